"""What stands between a branch and its collector in an enterprise: an
authority, a web server that wants certificates, proxies that want a login.

All of it real, in the namespaces of a lab, and ended with the context.
"""
import contextlib
import glob
import hashlib
import os
import signal
import subprocess

from lab import expect, run
from labtest import await_it

NGINX = """
daemon off;
user root;
worker_processes 1;
pid {path}/nginx.pid;
error_log {path}/nginx.log info;
events {{ worker_connections 256; }}
http {{
	access_log off;
	client_body_temp_path {path}/body;
	proxy_temp_path {path}/proxy;
	fastcgi_temp_path {path}/fastcgi;
	uwsgi_temp_path {path}/uwsgi;
	scgi_temp_path {path}/scgi;
	client_max_body_size 16m;
	server {{
		listen {address}:{port} ssl;
		ssl_certificate {path}/server.pem;
		ssl_certificate_key {path}/server.key;
		ssl_client_certificate {path}/branches.pem;
		ssl_verify_client on;
		location / {{
			proxy_pass http://127.0.0.1:{behind};
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header X-Client $ssl_client_s_dn;
			proxy_set_header X-Peer $remote_addr;
		}}
	}}
}}
"""

TINYPROXY = """
Port {port}
Listen 127.0.0.1
LogFile "{path}/tinyproxy.log"
LogLevel Connect
MaxClients 50
Timeout 60
ConnectPort {allowed}
ConnectPort 1
{logins}
"""

SQUID = """
http_port 127.0.0.1:{port}
https_port 127.0.0.1:{tls_port} tls-cert={path}/squid.pem tls-key={path}/squid.key
auth_param digest program {helper} -c {path}/digest
auth_param digest children 1 startup=1
auth_param digest realm branch
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
cache deny all
cache_mem 0 MB
access_log stdio:{path}/squid-access.log
cache_log {path}/squid.log
pid_filename {path}/squid.pid
coredump_dir {path}
pinger_enable off
max_filedescriptors 1024
shutdown_lifetime 1 second
visible_hostname proxy.lab.test
"""

CA = """
[ca]
default_ca = it
[it]
database = {path}/index
new_certs_dir = {path}
certificate = {path}/ca.pem
private_key = {path}/ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
default_days = 300
copy_extensions = copy
policy = any
[any]
organizationName = optional
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
"""

KEY = ("-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def openssl(*words):
    done = run("openssl", *words)
    expect(done.returncode == 0, done.stderr)


class Authority:
    """Of its own organisation; writes NAME.pem and NAME.key of others."""

    def __init__(self, path, organisation):
        os.makedirs(path)
        self.path, self.pem = path, f"{path}/ca.pem"
        self.config = f"{path}/openssl.cnf"
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(CA.format(path=path))
        with open(f"{path}/index", "w", encoding="utf-8"):
            pass
        openssl("req", "-config", self.config, "-x509", "-days", 300, *KEY,
                "-keyout", f"{path}/ca.key", "-out", self.pem,
                "-addext", "basicConstraints=critical,CA:TRUE",
                "-subj", f"/O={organisation}/CN=authority")

    def issue(self, to, name, *dates, san=None):
        """Into {to}.pem and {to}.key; a key is nobody else's to read."""
        more = ("-addext", f"subjectAltName={san}") if san else ()
        openssl("req", "-config", self.config, "-new", *KEY, *more,
                "-keyout", f"{to}.key", "-out", f"{to}.csr",
                "-subj", f"/O=edgeprobe lab/CN={name}")
        openssl("ca", "-config", self.config, "-batch", "-notext",
                "-in", f"{to}.csr", "-out", f"{to}.pem", *dates)
        os.chmod(f"{to}.key", 0o600)
        return f"{to}.pem", f"{to}.key"


OVER = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")


def replace(path, text):
    """As those do that know how: all of it, at once."""
    with open(f"{path}.new", "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(f"{path}.new", 0o600)
    os.rename(f"{path}.new", path)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


class Server:
    """A program in a namespace, until its port is open."""

    def __init__(self, netns, *command, port, host="127.0.0.1"):
        self.netns = netns
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", netns, *map(str, command)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        try:
            self.await_port(host, port)
        except BaseException:
            self.end()
            raise

    def await_port(self, host, port):
        def is_open():
            expect(self.process.poll() is None, f"{self.process.args} ended")
            done = run("ip", "netns", "exec", self.netns, "ss", "-Hltn",
                       f"src {host}:{port}")
            return done.stdout.strip()
        await_it(is_open, 30, f"{self.process.args} listens")

    def tell(self, number):
        self.process.send_signal(number)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Enterprise(contextlib.ExitStack):
    """Ports are of the namespaces, which are ours alone."""
    MTLS, TINY, SQUID, SQUID_TLS = 8443, 8888, 3128, 3129

    def __init__(self, lab, path, address, behind):
        super().__init__()
        self.lab, self.path, self.address = lab, path, address
        self.behind = behind
        os.makedirs(path)
        os.chmod(path, 0o777)  # squid is somebody else
        self.hq = Authority(f"{path}/hq", "Headquarters")
        self.branches = Authority(f"{path}/branches-ca", "Branches")
        self.nginx = self.tinyproxy = None

    def start_nginx(self, authority, name):
        self.show(authority, name)
        replace(f"{self.path}/branches.pem", read(self.branches.pem))
        config = f"{self.path}/nginx.conf"
        with open(config, "w", encoding="utf-8") as f:
            f.write(NGINX.format(path=self.path, address=self.address,
                                 port=self.MTLS, behind=self.behind))
        self.nginx = Server(self.lab.env["LAB_EDGE_NS"], "nginx", "-c", config,
                            port=self.MTLS, host=self.address)
        self.callback(self.nginx.end)

    def show(self, authority, name):
        """What nginx shows from its next start or reload on."""
        authority.issue(f"{self.path}/server", name, san=f"DNS:{name}")

    def logins(self, *logins):
        """What tinyproxy takes from its next start or reload on."""
        with open(f"{self.path}/tinyproxy.conf", "w", encoding="utf-8") as f:
            f.write(TINYPROXY.format(
                path=self.path, port=self.TINY, allowed=self.MTLS,
                logins="\n".join(f"BasicAuth {login}" for login in logins)))

    def start_tinyproxy(self, *logins):
        self.logins(*logins)
        self.tinyproxy = Server(self.lab.env["LAB_BRANCH_NS"], "tinyproxy",
                                "-d", "-c", f"{self.path}/tinyproxy.conf",
                                port=self.TINY)
        self.callback(self.tinyproxy.end)

    def reload_tinyproxy(self, *logins):
        """Its next connections have to have one of these."""
        self.logins(*logins)
        before = read(f"{self.path}/tinyproxy.log")
        self.tinyproxy.tell(signal.SIGUSR1)
        await_it(lambda: "eload" in read(f"{self.path}/tinyproxy.log")
                 [len(before):], 20, "tinyproxy reads its configuration")

    def start_squid(self, user, password):
        helpers = glob.glob("/usr/lib*/squid/digest_file_auth")
        expect(helpers, "squid comes without digest_file_auth")
        self.hq.issue(f"{self.path}/squid", "proxy", san="IP:127.0.0.1")
        os.chmod(f"{self.path}/squid.key", 0o644)
        secret = hashlib.md5(f"{user}:branch:{password}".encode()).hexdigest()
        with open(f"{self.path}/digest", "w", encoding="utf-8") as f:
            f.write(f"{user}:branch:{secret}\n")
        with open(f"{self.path}/squid.conf", "w", encoding="utf-8") as f:
            f.write(SQUID.format(path=self.path, port=self.SQUID,
                                 tls_port=self.SQUID_TLS, helper=helpers[0]))
        squid = Server(self.lab.env["LAB_BRANCH_NS"], "squid", "-N", "-f",
                       f"{self.path}/squid.conf", port=self.SQUID)
        self.callback(squid.end)
        squid.await_port("127.0.0.1", self.SQUID_TLS)

    def reload_nginx(self, organisation):
        """New connections see a certificate that is issued by that one;
        those made before go on until they are idle."""
        self.nginx.tell(signal.SIGHUP)

        def shown():
            done = self.lab.branch("openssl", "s_client", "-connect",
                                   f"{self.address}:{self.MTLS}")
            return f"issuer=O = {organisation}" in done.stdout
        await_it(shown, 30, f"nginx shows a certificate of {organisation}")
