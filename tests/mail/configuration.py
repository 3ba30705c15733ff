"""What the three servers of the stand are told: loopback only, free ports, nothing of this machine's own.

Postfix hands letters for the lists to Mailman and letters for people to Dovecot, both by LMTP (RFC 2033);
Mailman hands what it distributes back to Postfix. Anything for elsewhere is refused at the door.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PEOPLE, LISTS = "camp.test", "lists.test"
# Postfix answers these as a greylisting server and a full mailbox would (RFC 6647 §2.5, RFC 3463 §3.3).
GREYLISTED, FULL = f"greylisted@{LISTS}", f"full@{LISTS}"


def account(who: str, word: str) -> str:
    """A line of `people`, which Dovecot reads anew when it has changed."""
    return f"{who}@{PEOPLE}:{{PLAIN}}{word}\n"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everybody listens on 127.0.0.1."""

    smtp: int  # who comes from here
    submission: int  # who logs in, by STARTTLS
    submissions: int  # the same by TLS from the first byte
    imap: int
    imaps: int
    mailman_lmtp: int
    dovecot_lmtp: int
    rest: int


def files_of(base: Path, ports: Ports) -> dict[str, str]:
    """The configuration files below `base`, by their relative paths. Nobody has an account yet."""
    return {
        "people": "",
        "dovecot.conf": _dovecot(base, ports),
        "postfix/main.cf": _postfix(base, ports),
        "postfix/master.cf": _postfix_services(ports),
        "postfix/mailboxes": f"/@{PEOPLE}$/ there\n",  # Dovecot refuses whom it does not know
        "postfix/trouble": f"{GREYLISTED} 450 4.7.1 Greylisted, please come back in 300 seconds\n"
        f"{FULL} 452 4.2.2 The mailbox is full\n",
        "mailman.cfg": _mailman(base, ports),
        "archive.cfg": _ARCHIVE,
    }


def _dovecot(base: Path, ports: Ports) -> str:
    return f"""
protocols = imap lmtp
listen = 127.0.0.1
instance_name = miccheck-tests
base_dir = {base}/dovecot
state_dir = {base}/dovecot
log_path = {base}/dovecot.log
mail_location = maildir:{base}/mailboxes/%n
ssl = yes
ssl_cert = <{base}/server.pem
ssl_key = <{base}/server.key
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_username_format = %Lu
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {base}/people
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={base}/mailboxes/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {ports.imap}
  }}
  inet_listener imaps {{
    port = {ports.imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {ports.dovecot_lmtp}
  }}
}}
service auth {{
  unix_listener {base}/sasl {{
    mode = 0666
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@{PEOPLE}
}}
"""


def _postfix(base: Path, ports: Ports) -> str:
    return f"""
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/postfix-data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {base}/postfix.log
maillog_file_prefixes = {base}
myhostname = mx.{PEOPLE}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
disable_dns_lookups = yes
lmtp_host_lookup = native
smtpd_peername_lookup = no
local_transport = error:nobody lives here
default_transport = error:5.7.1 nothing leaves this machine
local_recipient_maps =
virtual_mailbox_domains = {PEOPLE}
virtual_mailbox_maps = regexp:{base}/postfix/mailboxes
virtual_transport = lmtp:inet:127.0.0.1:{ports.dovecot_lmtp}
relay_domains = {LISTS}
relay_recipient_maps =
transport_maps = inline:{{ {LISTS}=lmtp:inet:127.0.0.1:{ports.mailman_lmtp} }}
recipient_delimiter = +
owner_request_special = no
smtpd_tls_cert_file = {base}/server.pem
smtpd_tls_key_file = {base}/server.key
smtpd_sasl_type = dovecot
smtpd_sasl_path = {base}/sasl
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access texthash:{base}/postfix/trouble,
  permit_mynetworks, reject
lmtp_tls_security_level = none
message_size_limit = 400000
"""


def _postfix_services(ports: Ports) -> str:
    logged_in = """
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_tls_auth_only=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject"""
    internal = {
        # name: type, private, wakeup, process limit, command
        "cleanup": "unix n - n - 0 cleanup",
        "qmgr": "unix n - n 300 1 qmgr",
        "rewrite": "unix - - n - - trivial-rewrite",
        "bounce": "unix - - n - 0 bounce",
        "defer": "unix - - n - 0 bounce",
        "trace": "unix - - n - 0 bounce",
        "verify": "unix - - n - 1 verify",
        "proxymap": "unix - - n - - proxymap",
        "proxywrite": "unix - - n - 1 proxymap",
        "error": "unix - - n - - error",
        "retry": "unix - - n - - error",
        "lmtp": "unix - - n - - lmtp",
        "anvil": "unix - - n - 1 anvil",
        "tlsmgr": "unix - - n 1000? 1 tlsmgr",
        "scache": "unix - - n - 1 scache",
        "pickup": "unix n - n 60 1 pickup",
        "flush": "unix n - n 1000? 0 flush",
        "postlog": "unix-dgram n - n - 1 postlogd",
    }
    lines = [f"{name} {service}" for name, service in internal.items()]
    return "\n".join(
        [
            f"127.0.0.1:{ports.smtp} inet n - n - - smtpd",
            f"127.0.0.1:{ports.submission} inet n - n - - smtpd",
            f"  -o smtpd_tls_security_level=encrypt{logged_in}",
            f"127.0.0.1:{ports.submissions} inet n - n - - smtpd",
            f"  -o smtpd_tls_wrappermode=yes{logged_in}",
            *lines,
            "",
        ]
    )


def _mailman(base: Path, ports: Ports) -> str:
    return f"""
[mailman]
layout: tests
site_owner: postmaster@{PEOPLE}
run_tasks_every: 1h

[paths.tests]
var_dir: {base}/mailman

[database]
class: mailman.database.sqlite.SQLiteDatabase
url: sqlite:///{base}/mailman.db

[webservice]
hostname: 127.0.0.1
port: {ports.rest}
admin_user: tests
admin_pass: tests
workers: 1

[mta]
incoming: mailman.mta.null.NullMTA
outgoing: mailman.mta.deliver.deliver
smtp_host: 127.0.0.1
smtp_port: {ports.smtp}
lmtp_host: 127.0.0.1
lmtp_port: {ports.mailman_lmtp}

[archiver.mhonarc]
enable: yes
configuration: {base}/archive.cfg

[runner.nntp]
start: no
"""


# The archive gives a letter its Archived-At; nothing is filed.
_ARCHIVE = """
[general]
base_url: http://$hostname/archives/$fqdn_listname/
command: /bin/true
"""
