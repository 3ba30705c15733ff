"""What mail servers say, as sentences. The replies are those of real servers, or of their manuals."""

import socket
import ssl
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.mail_faults import Stage, of_line, of_login, of_reply, of_tls
from node.mail_server import MailServer
from web_ui import mail_words as words
from web_ui.mail_words import in_english

SERVER = MailServer("mail.example.org", 587, "north")

REPLIES = [
    (Stage.RECIPIENT, 550, "5.1.1 <a@b.org>: User unknown in virtual mailbox table", words.RECIPIENT),
    (Stage.RECIPIENT, 550, "5.1.1 <a@b.org>: User unknown in relay recipient table", words.RECIPIENT),
    (Stage.RECIPIENT, 450, "4.2.0 <a@b.org>: rejected: Greylisted, see postgrey", words.GREYLISTED),
    (Stage.RECIPIENT, 451, "4.7.1 Greylisting in action, please come back later", words.GREYLISTED),
    (Stage.RECIPIENT, 451, "4.7.1 Try again later", words.GREYLISTED),
    (Stage.RECIPIENT, 554, "5.7.1 <a@b.org>: Relay access denied", words.RELAY),
    (Stage.RECIPIENT, 553, "5.7.1 <a@b.org>: Sender address rejected: not owned by user north", words.SENDER),
    (Stage.RECIPIENT, 452, "4.2.2 The email account that you tried to reach is over quota", words.FULL),
    (Stage.RECIPIENT, 452, "4.3.1 Insufficient system storage", words.FULL),
    (Stage.RECIPIENT, 550, "5.7.1 You are not a member of this list", words.RECIPIENT),
    (Stage.RECIPIENT, 554, "5.7.1 Service unavailable; Client host blocked by spamhaus", words.SPAM),
    (Stage.RECIPIENT, 450, "4.7.1 Error: too much mail from 1.2.3.4, rate limited", words.TOO_MANY),
    (Stage.SENDER, 553, "5.1.8 domain of sender address does not exist", words.SENDER),
    (Stage.SENDER, 550, "5.7.1 mailbox may not send", words.SENDER),
    (Stage.SENDER, 552, "5.3.4 Message size exceeds fixed limit", words.TOO_BIG),
    (Stage.SENDER, 530, "5.7.0 Must issue a STARTTLS command first", words.NEEDS_TLS),
    (Stage.SENDER, 530, "5.7.0 Authentication Required", words.NEEDS_LOGIN),
    (Stage.SENDER, 530, "5.7.57 Client not authenticated to send mail", words.NEEDS_LOGIN),
    (Stage.SENDER, 421, "4.7.0 Too many connections from your network", words.TOO_MANY),
    (Stage.SENDER, 421, "4.3.2 shutting down", words.SAYS),
    (Stage.LETTER, 552, "5.2.2 Mailbox full", words.FULL),
    (Stage.LETTER, 552, "Requested mail action aborted: exceeded storage allocation", words.FULL),
    (Stage.LETTER, 550, "5.7.1 Message rejected", words.SPAM),
    (Stage.LETTER, 550, "5.7.26 This mail is unauthenticated: SPF and DKIM did not pass", words.SPAM),
    (Stage.LETTER, 554, "This message looks like SPAM to us", words.SPAM),
    (Stage.LETTER, 554, "5.7.60 Client does not have permissions to send as this sender", words.SENDER),
    (Stage.LETTER, 451, "4.3.0 Temporary lookup failure", words.SAYS),
    (Stage.LETTER, 554, "Transaction failed", words.SAYS),
    (Stage.GREETING, 554, "No SMTP service here", words.SAYS),
    (Stage.GREETING, 421, "Too many concurrent connections, try later", words.TOO_MANY),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "code", "text", "template"), REPLIES)
def test_a_reply_is_a_sentence(stage, code, text, template):
    sentence = of_reply(stage, code, text, SERVER).sentence
    head = template.partition("%(said)s")[0]
    assert sentence.startswith(head % {"server": SERVER.name})
    assert str(code) in sentence
    assert "a@b.org" not in sentence


def test_only_what_is_the_fault_of_the_way_holds_up_every_letter():
    held = {
        template for stage, code, text, template in REPLIES if of_reply(stage, code, text, SERVER).of_the_way
    }
    assert held == {words.SENDER, words.RELAY, words.NEEDS_LOGIN, words.NEEDS_TLS}


@pytest.mark.parametrize(
    ("code", "text", "template"),
    [
        (535, "5.7.8 Error: authentication failed", words.WRONG_PASSWORD),
        (0, "[AUTHENTICATIONFAILED] Authentication failed.", words.WRONG_PASSWORD),
        (0, "LOGIN failed.", words.WRONG_PASSWORD),
        (534, "5.7.9 Application-specific password required. See support.example.org", words.APP_PASSWORD),
        (0, "[ALERT] Application-specific password required", words.APP_PASSWORD),
        (0, "[ALERT] Your account is not enabled for IMAP use.", words.IMAP_OFF),
        (0, "User is authenticated but not connected.", words.IMAP_OFF),
        (0, "IMAP access disabled for your account", words.IMAP_OFF),
        (535, "5.7.139 Authentication unsuccessful, basic authentication is disabled.", words.NO_LOGIN),
        (504, "No suitable authentication method found.", words.NO_LOGIN),
        (454, "4.7.0 Temporary authentication failure", words.LOGIN_LATER),
        (0, "[UNAVAILABLE] Temporary authentication failure.", words.LOGIN_LATER),
        (0, "[ALERT] Too many simultaneous connections. (Failure)", words.TOO_MANY),
        (0, "[LIMIT] no more sessions", words.TOO_MANY),
    ],
)
def test_who_may_not_log_in_is_told_why(code, text, template):
    said = f"{code} {text}" if code else text
    assert of_login(code, text, SERVER) == in_english(template, server=SERVER.name, said=said)


def certificate_fault(verify_code):
    fault = ssl.SSLCertVerificationError()
    fault.verify_code = verify_code
    return fault


@pytest.mark.parametrize(
    ("verify_code", "clock_is_set", "template"),
    [
        (62, True, words.TLS_NAME),
        (64, False, words.TLS_NAME),
        (10, True, words.TLS_EXPIRED),
        (9, True, words.TLS_EARLY),
        (9, False, words.CLOCK),
        (10, False, words.CLOCK),
        (18, True, words.TLS_UNKNOWN),
        (20, True, words.TLS_UNKNOWN),
    ],
)
def test_a_certificate_that_is_no_good_is_told_from_a_clock_that_is_wrong(
    verify_code, clock_is_set, template
):
    said = of_tls(certificate_fault(verify_code), SERVER, "smtp", clock_is_set)
    assert said == in_english(template, server=SERVER.name)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "x"), words.DNS_DEAD),
        (socket.gaierror(socket.EAI_NONAME, "x"), words.NO_HOST % {"host": "mail.example.org"}),
        (ConnectionRefusedError(), words.NOBODY % {"server": SERVER.name}),
        (ConnectionResetError(), words.BROKE_OFF % {"server": SERVER.name}),
        (TimeoutError(), words.NO_ANSWER % {"server": SERVER.name}),
        (OSError(113, "no route to host"), words.NO_WAY % {"server": SERVER.name}),
        (None, words.NO_WAY % {"server": SERVER.name}),
    ],
)
def test_a_line_that_is_not_there_is_a_sentence(fault, sentence):
    assert of_line(fault, SERVER) == sentence


@given(st.sampled_from(Stage), st.integers(400, 599), st.text(max_size=300))
def test_any_reply_is_one_line(stage, code, text):
    sentence = of_reply(stage, code, text, SERVER).sentence
    assert not any(unicodedata.category(each) == "Cc" for each in sentence)
    assert len(sentence) < 400
