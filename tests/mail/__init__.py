"""The way to a real mailing list and back: Postfix, Dovecot and Mailman 3, started for these tests."""
