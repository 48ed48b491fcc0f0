"""A real browser for tests: Debian's Chromium, driven by chromedriver over HTTP,
with a home of its own, in UTC, that reaches nothing but files."""
import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

SECONDS = 60  # for any one answer


def program():
    """Debian's name, or Fedora's."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def is_there():
    return bool(shutil.which("chromedriver") and program())


class Failed(Exception):
    pass


class Browser:
    """Until close()."""

    def __init__(self, folder):
        self.log = open(f"{folder}/chromedriver.log", "w+b")
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "TZ": "UTC",
                       "TMPDIR": folder, "XDG_RUNTIME_DIR": folder,
                       "LC_ALL": "C.UTF-8"}
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=self.log, stderr=self.log,
            env=environment)
        try:
            self.root = f"http://127.0.0.1:{self._port()}"
            self.root += "/session/" + self._open(folder)
        except BaseException:
            self.close()
            raise

    def _port(self):
        """As it says in its log once it listens."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.driver.poll() is None:
            with open(self.log.name, "rb") as f:
                found = re.search(rb"successfully on port (\d+)", f.read())
            if found:
                return int(found[1])
            time.sleep(0.02)
        raise Failed("chromedriver does not listen")

    def _open(self, folder):
        options = {"binary": program(), "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--no-first-run",
            "--hide-scrollbars", "--lang=en-GB",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder}/profile"]}
        wanted = {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}}
        return self.ask("POST", "/session", wanted)["sessionId"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.root + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise Failed(f"{path}: {value['message'][:600]}") from None

    def cdp(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute",
                        {"cmd": command, "params": parameters})

    def js(self, script, *arguments):
        """What the body of a function returns."""
        return self.ask("POST", "/execute/sync",
                        {"script": script, "args": list(arguments)})

    def until(self, expression, what):
        """Until it is true; asked again by the page itself as it paints."""
        done = self.ask("POST", "/execute/async", {"script": """
            const [text, seconds, tell] = arguments;
            const f = new Function("return " + text);
            const end = performance.now() + seconds * 1000;
            (function look() {
                const value = f();
                if (value) tell(value);
                else if (performance.now() > end) tell(null);
                else setTimeout(look, 20);
            })();""", "args": [expression, SECONDS / 3]})
        if not done:
            raise Failed(f"never: {what}")
        return done

    def open(self, path):
        self.ask("POST", "/url", {"url": f"file://{path}"})

    def size(self, width, height, phone=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width,
                 height=height, deviceScaleFactor=2 if phone else 1,
                 mobile=phone)

    def media(self, scheme="light", media="screen"):
        self.cdp("Emulation.setEmulatedMedia", media=media, features=[
            {"name": "prefers-color-scheme", "value": scheme}])

    def point(self, x, y, kind="mouseMoved", **more):
        self.cdp("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.point(x, y, kind, button="left",
                       clickCount=int(kind != "mouseMoved"))

    def key(self, name):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37,
                 "ArrowRight": 39, "ArrowDown": 40}
        text = {"text": "\r"} if name == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.cdp("Input.dispatchKeyEvent", type=kind, key=name, code=name,
                     windowsVirtualKeyCode=codes[name],
                     **(text if kind == "keyDown" else {}))

    def picture(self, path, whole=True):
        data = self.cdp("Page.captureScreenshot", format="png",
                        captureBeyondViewport=whole)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def logged(self, kind):
        """What came since the last time."""
        return self.ask("POST", "/se/log", {"type": kind})

    def close(self):
        try:
            if self.root.count("/") > 2:
                self.ask("DELETE", "")
        except (OSError, Failed, AttributeError):
            pass
        self.driver.terminate()
        self.driver.wait()
        self.log.close()
