"""A headless Chromium, driven over a pipe: what a page requests, logs and looks like."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FOUND = next((path for path in map(shutil.which, NAMES) if path), None)


class Page:
    """One page of a browser; `events` are all that it has reported so far, by method."""

    def __init__(self, write: Any, read: Any) -> None:
        self._write, self._read = write, read
        self._calls = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": arguments}
        if self._session is not None:
            message["sessionId"] = self._session
        self._write.write(json.dumps(message).encode() + b"\0")
        self._write.flush()
        return self._until(lambda message: message.get("id") == self._calls)["result"]

    def open(self, path: Path, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Page.navigate", url=path.resolve().as_uri())
        self._until(lambda message: message.get("method") == "Page.loadEventFired")

    def value(self, script: str) -> Any:
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def events_of(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event["method"] == method]

    def picture(self, path: Path) -> None:
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"]))

    def _until(self, wanted: Any) -> dict[str, Any]:
        while True:
            text = bytearray()
            while (byte := self._read.read(1)) != b"\0":
                assert byte, "the browser has ended"
                text += byte
            message: dict[str, Any] = json.loads(text)
            assert "error" not in message, message
            if "method" in message:
                self.events.append(message)
            if wanted(message):
                return message


@contextmanager
def page() -> Iterator[Page]:
    """Yield a page of a fresh browser without a network."""
    assert FOUND is not None
    to_read, to_write = os.pipe(), os.pipe()  # what the browser reads, and what it writes

    def connect() -> None:
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_read[0], to_write[1])]  # which may be 3 or 4
        for end, place in zip(ends, (3, 4), strict=True):
            os.dup2(end, place)

    with tempfile.TemporaryDirectory() as profile:
        flags = (
            "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --remote-debugging-pipe "
            "--host-resolver-rules=MAP~*~~NOTFOUND --disable-background-networking --disable-sync --disable-extensions"
        )
        command = [FOUND, *(flag.replace("~", " ") for flag in flags.split()), f"--user-data-dir={profile}"]
        browser = subprocess.Popen(
            command, close_fds=False, preexec_fn=connect, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with os.fdopen(to_read[1], "wb") as write, os.fdopen(to_write[0], "rb") as read:
                os.close(to_read[0])
                os.close(to_write[1])
                yield Page(write, read)
        finally:
            browser.terminate()
            browser.wait(20)
