"""Real servers on loopback: knot, unbound, nginx and postfix, each from a private folder, ended by its own pid.

No configuration of the system is read or written, and nothing is asked beyond loopback: unbound may send from
127.0.0.1 only, and knows no zones but the lab's.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import trustme

from mtasts_analysis.checks.config import CheckConfig

NEEDED = {"knotd": "knot", "keymgr": "knot", "unbound": "unbound", "nginx": "nginx-light", "postfix": "postfix"}  # fmt: skip
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib/postfix/sbin"])
ZONES = ("signed.test", "plain.test", "bogus.test")
WEB = "127.0.0.2"
MX_ADDRESSES = tuple(f"127.0.0.{n}" for n in range(11, 19))
_QUEUES = ("private", "public", "active", "incoming", "deferred", "maildrop", "hold", "defer", "corrupt", "bounce", "flush", "saved", "trace")  # fmt: skip


def missing() -> list[str]:
    """What these servers need and is not here: Debian packages, and the right to start postfix."""
    packages = {p for program, p in NEEDED.items() if not shutil.which(program, path=_PATH)}
    # Its master starts only as root, to give up that right in each of its servers.
    return sorted(packages) + (["root, which postfix wants"] if os.geteuid() else [])


@dataclass
class Web:
    """A policy host: nginx's own words for what it does, and the file."""

    body: bytes
    how: str = "default_type text/plain;"
    certificate: trustme.LeafCert | None = None


@dataclass
class Mx:
    """A postfix smtpd at an address."""

    address: str
    certificate: trustme.LeafCert | None = None
    options: str = ""


@dataclass
class Servers:
    """The lab; fill in `zones`, `webs` and `mxs`, then enter it."""

    zones: dict[str, list[str]] = field(default_factory=lambda: {z: [] for z in ZONES})
    webs: dict[str, Web] = field(default_factory=dict)
    mxs: dict[str, Mx] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ca, self.other_ca = trustme.CA(), trustme.CA(organization_name="Another CA")
        # Not pytest's: postfix' user must be able to look in.
        self.folder = Path(tempfile.mkdtemp(prefix="mtasts-lab-"))
        self.folder.chmod(0o755)
        self.ca_file = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(self.ca_file)
        self.dns_port, self.resolver_port, self.https_port = free(), free(), free(WEB)
        self._stack = ExitStack()
        self.smtp_port = self._claim()

    def __enter__(self) -> Self:
        try:
            self._knot()
            self._unbound()
            self._nginx()
            self._postfix()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _claim(self) -> int:
        """2525 on all of the MX addresses, or another port where that is taken, as by a second run of these tests.

        The claim is the UDP port of the same number, held to the end: of two runs that begin at once one gets it.
        """
        for wanted in (2525, *[0] * 100):
            with ExitStack() as tried, suppress(OSError):
                claim = tried.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                claim.bind((MX_ADDRESSES[0], wanted))
                port = int(claim.getsockname()[1])
                for address in MX_ADDRESSES:
                    with socket.socket() as tcp:
                        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as postfix does
                        tcp.bind((address, port))
                self._stack.push(tried.pop_all())
                return port
        raise AssertionError(f"no port that is free at each of {', '.join(MX_ADDRESSES)}")

    def config(self, **changed: object) -> CheckConfig:
        """A configuration under which this lab is the Internet."""
        given = {
            "resolvers": ("127.0.0.1",), "resolver_port": self.resolver_port, "ca_file": str(self.ca_file),
            "https_port": self.https_port, "smtp_port": self.smtp_port, "ehlo_name": "checker.test",
            "allow_networks": ("127.0.0.0/8", "::1/128"), "canary": (), "dnssec_probe": "signed.test",
            "https_timeout": 4,
        }  # fmt: skip
        return CheckConfig(**(given | changed))  # type: ignore[arg-type]

    def _run(self, name: str, *command: str, port: tuple[str, int]) -> subprocess.Popen[bytes]:
        """Start a server in the foreground, wait until it answers, and see to its end."""
        log = self.folder / f"{name}.out"
        env = {"PATH": _PATH, "HOME": str(self.folder), "LANG": "C"}
        with log.open("wb") as out:
            server = subprocess.Popen(
                command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, start_new_session=True,
            )  # fmt: skip
        self._stack.callback(end, server)
        for _ in range(200):
            with suppress(OSError), socket.create_connection(port, timeout=1):
                return server
            if server.poll() is not None:
                break
            time.sleep(0.1)
        logs = "\n".join(p.read_text(errors="replace")[-3000:] for p in self.folder.glob(f"{name}*.[ol]*"))  # fmt: skip
        logs += "".join(p.read_text() for p in self.folder.glob("postfix/log/*"))
        raise AssertionError(f"{name} does not answer at {port}:\n{logs}")

    def _knot(self) -> None:
        for zone, lines in self.zones.items():
            head = [f"$ORIGIN {zone}.", "$TTL 60", f"@ SOA ns.{zone}. admin.{zone}. 1 60 60 600 60", "@ NS ns", "ns A 127.0.0.1"]  # fmt: skip
            (self.folder / f"{zone}.zone").write_text("\n".join([*head, *lines]) + "\n")
        signed = "\n".join(
            f"  - domain: {z}\n    dnssec-signing: {'off' if z == 'plain.test' else 'on'}\n    dnssec-policy: one"
            for z in self.zones
        )
        (self.folder / "keys").mkdir()
        (self.folder / "knot.conf").write_text(f"""
server:
    rundir: {self.folder}
    listen: 127.0.0.1@{self.dns_port}
control:
    listen: {self.folder}/knot.sock
database:
    storage: {self.folder}/keys
log:
  - target: {self.folder}/knot.log
    any: info
policy:
  - id: one
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: {self.folder}
    file: "%s.zone"
    zonefile-load: whole
    zonefile-sync: -1
zone:
{signed}
""")
        self._run("knot", "knotd", "-c", "knot.conf", port=("127.0.0.1", self.dns_port))

    def _anchor(self, zone: str) -> str:
        """The zone's DS record, as unbound wants it."""
        for _ in range(100):  # knot listens before it has made its keys
            made = subprocess.run(
                ["keymgr", "-c", "knot.conf", zone, "ds"], cwd=self.folder, env={"PATH": _PATH},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            for line in made.stdout.splitlines():
                if line.split()[4] == "2":  # SHA-256
                    return f"{zone}. DS {line.split(' DS ')[1]}"
            time.sleep(0.1)
        raise AssertionError(made.stderr + (self.folder / "knot.log").read_text())

    def _unbound(self) -> None:
        anchors = [self._anchor("signed.test")]
        # The key that the parent vouches for is another: all of the zone is bogus.
        bogus = self._anchor("bogus.test")
        anchors.append(bogus[:-8] + ("0" * 8 if not bogus.endswith("0" * 8) else "1" * 8))
        known = "\n".join(f'    local-zone: "{z}." transparent' for z in self.zones)
        trusted = "\n".join(f'    trust-anchor: "{a}"' for a in anchors)
        stubs = "\n".join(
            f'stub-zone:\n    name: "{z}"\n    stub-addr: 127.0.0.1@{self.dns_port}'
            for z in self.zones
        )
        (self.folder / "unbound.conf").write_text(f"""
server:
    directory: "{self.folder}"
    chroot: ""
    username: ""
    pidfile: "{self.folder}/unbound.pid"
    use-syslog: no
    do-daemonize: no
    port: {self.resolver_port}
    interface: 127.0.0.1
    outgoing-interface: 127.0.0.1
    do-not-query-localhost: no
    module-config: "validator iterator"
    ede: yes
    val-log-level: 2
    verbosity: 3
    local-zone: "test." static
{known}
{trusted}
    domain-insecure: "plain.test"
remote-control:
    control-enable: no
{stubs}
""")
        self._run("unbound", "unbound", "-d", "-c", f"{self.folder}/unbound.conf", port=("127.0.0.1", self.resolver_port))  # fmt: skip

    def _keys(self, name: str, leaf: trustme.LeafCert) -> Path:
        path = self.folder / f"{name}.pem"
        leaf.private_key_and_cert_chain_pem.write_to_path(path)
        return path

    def _nginx(self) -> None:
        listen = f"listen {WEB}:{self.https_port} ssl; listen [::1]:{self.https_port} ssl;"
        blocks = []
        for host, web in self.webs.items():
            (self.folder / f"{host}.txt").write_bytes(web.body)
            keys = self._keys(host, web.certificate or self.ca.issue_cert(host))
            blocks.append(
                f"server {{ {listen} server_name {host}; ssl_certificate {keys}; ssl_certificate_key {keys};"
                f" location = /.well-known/mta-sts.txt {{ alias {self.folder}/{host}.txt; {web.how} }} }}"
            )
        keys = self._keys("default", self.ca.issue_cert("default.test"))
        temporary = " ".join(f"{k}_temp_path {self.folder}/tmp-{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
        (self.folder / "nginx.conf").write_text(f"""
daemon off; user root; worker_processes 1; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;
events {{ }}
http {{
    access_log off; server_names_hash_bucket_size 128; {temporary}
    server {{ {listen.replace(" ssl;", " ssl default_server;")} ssl_certificate {keys}; ssl_certificate_key {keys};
        return 421; }}
    {"".join(blocks)}
}}
""")
        self._run("nginx", "nginx", "-p", str(self.folder), "-c", f"{self.folder}/nginx.conf", "-e", f"{self.folder}/nginx.log", port=(WEB, self.https_port))  # fmt: skip

    def _postfix(self) -> None:
        own = self.folder / "postfix"
        for name in ("data", "log", "queue/pid", *(f"queue/{q}" for q in _QUEUES)):
            (own / name).mkdir(parents=True)
            shutil.chown(own / name, "root" if name in ("log", "queue/pid") else "postfix")
        (own / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {own}/queue
data_directory = {own}/data
maillog_file = {own}/log/maillog
maillog_file_prefixes = {own}/log
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_protocols = ipv4
inet_interfaces = loopback-only
myhostname = mx.signed.test
mydestination =
mynetworks = 127.0.0.1/32
alias_maps =
alias_database =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_received_header = no
smtpd_delay_open_until_valid_rcpt = yes
smtpd_recipient_restrictions = reject
""")
        lines = [
            "postlog unix-dgram n - n - 1 postlogd",
            "tlsmgr unix - - n 1000? 1 tlsmgr",
            "rewrite unix - - n - - trivial-rewrite",
            "anvil unix - - n - 1 anvil",
            "proxymap unix - - n - - proxymap",
            "pickup unix n - n 60 1 pickup",
            "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr",
        ]
        for host, mx in self.mxs.items():
            options = mx.options
            if mx.certificate is not None:
                options += f" -o smtpd_tls_chain_files={self._keys(host, mx.certificate)}"
            else:
                options += " -o smtpd_tls_security_level=none"
            lines.append(
                f"{mx.address}:{self.smtp_port} inet n - n - - smtpd -o myhostname={host} {options}"
            )
        (own / "master.cf").write_text("\n".join(lines) + "\n")
        first = next(iter(self.mxs.values())).address
        # Not `postfix start`, which forks, and exits 0 even when it failed.
        self._run("postfix", "master", "-c", str(own), "-d", port=(first, self.smtp_port))


def free(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on, for UDP and TCP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((address, 0))
            port = int(tcp.getsockname()[1])
            with suppress(OSError):
                udp.bind((address, port))
                return port


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server that we started; what it started ends with it."""
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(10)
