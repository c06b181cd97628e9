"""Servers on this machine that stand for the Hub: what pushing and reading share, and the one to read from."""

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class LocalHub(ThreadingHTTPServer):
    """A server that keeps a list of its requests."""

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.requests = []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def running(self):
        """Answer requests inside the context."""
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()


class LocalHubHandler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def respond(self, status, content=b"", **headers):
        """Send a status and a body, JSON unless it is bytes; `_` in the name of a header stands for `-`."""
        kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in ({"Content_Type": kind, "Content_Length": len(body)} | headers).items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@dataclass
class Repository:
    """Files by path. `status` is what the Hub answers instead, as for a gated repository."""

    files: dict[str, bytes]
    status: int | None = None
    cuts: dict[str, int] = field(default_factory=dict)
    """How often the download of a file ends in the middle."""

    @property
    def commit(self):
        return hashlib.sha1(b"".join(map(self.oid, sorted(self.files))), usedforsecurity=False).hexdigest()

    def oid(self, path):
        return hashlib.sha1(path.encode() + self.files[path], usedforsecurity=False).hexdigest().encode()

    def is_large(self, path):
        """Whether a file is stored with LFS, and comes from another address."""
        return path.endswith((".safetensors", ".parquet"))

    def entry(self, path):
        """Return what the API lists of a file or folder; none where there is neither."""
        if path not in self.files:
            is_folder = any(file.startswith(f"{path}/") for file in self.files)
            return {"type": "directory", "path": path, "oid": "0" * 40, "size": 0} if is_folder else None
        content = self.files[path]
        entry = {"type": "file", "path": path, "oid": self.oid(path).decode(), "size": len(content)}
        if self.is_large(path):
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
        return entry

    def below(self, folder, recursive):
        """Return the entries of a folder."""
        prefix = f"{folder}/" if folder else ""
        names = [path.removeprefix(prefix).split("/") for path in self.files if path.startswith(prefix)]
        paths = {"/".join(name[:depth]) for name in names for depth in range(1, len(name) + 1 if recursive else 2)}
        return [self.entry(prefix + path) for path in sorted(paths)]


class ReadableHub(LocalHub):
    """Has models and data sets to be read, as the Hub has them: `repositories` by `models/OWNER/NAME`.

    Without a token it answers 401 for a repository that does not exist, with one 404, as the Hub does.
    """

    def __init__(self, repositories):
        super().__init__(_ReadHandler)
        self.repositories = repositories

    @property
    def storage(self):
        """Address that large files come from: another host, as on the Hub."""
        return self.address.replace("127.0.0.1", "localhost")


# A name has an owner, but for the oldest repositories.
_FILE = re.compile(r"/(?:(datasets)/)?([^/]+(?:/[^/]+)?)/resolve/([^/]+)/(.+)")
_API = re.compile(
    r"/api/(models|datasets)/([^/]+(?:/[^/]+)??)(?:/(auth-check|revision|tree|paths-info)(?:/([^/]+)(?:/(.+))?)?)?"
)
_CDN = re.compile(r"/cdn/(models|datasets)/([^/]+/[^/]+)/(.+)")


class _ReadHandler(LocalHubHandler):
    def handle_one(self):
        path, _, query = self.path.partition("?")
        path = unquote(path)
        self.server.requests.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if match := _CDN.fullmatch(path):
            return self._send_file(self.server.repositories[f"{match[1]}/{match[2]}"], match[3])
        if match := _FILE.fullmatch(path):
            name, revision, file = f"{match[1] or 'models'}/{match[2]}", match[3], match[4]
            repository = self._find(name, revision)
            return repository and self._resolve(repository, name, file)
        if match := _API.fullmatch(path):
            repository = self._find(f"{match[1]}/{match[2]}", match[4])
            return repository and self._inform(repository, match, query, body)
        return self.respond(404, {"error": "no such route"})

    do_GET = do_HEAD = do_POST = handle_one

    def _find(self, name, revision):
        """Return a repository, or none after an answer that there is no such, or no access to it."""
        repository = self.server.repositories.get(name)
        if repository is None and self.headers.get("Authorization"):
            self._refuse(404, "RepoNotFound", "Repository not found")
        elif repository is None:
            self._refuse(401, "RepoNotFound", "Invalid username or password.")
        elif repository.status in (401, 403):
            self._refuse(repository.status, "GatedRepo", f"Access to {name} is restricted.")
        elif repository.status is not None:
            self._refuse(repository.status, None, "planted")
        elif revision not in (None, "main", repository.commit):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return repository
        return None

    def _refuse(self, status, code, message, **headers):
        code = {"X_Error_Code": code} if code else {}
        self.respond(status, {"error": message}, X_Error_Message=message, **code, **headers)

    def _resolve(self, repository, name, file):
        commit = {"X_Repo_Commit": repository.commit}
        if file not in repository.files:
            return self._refuse(404, "EntryNotFound", "Entry not found", **commit)
        entry = repository.entry(file)
        if not repository.is_large(file):
            return self._send_file(repository, file, ETag=f'"{entry["oid"]}"', **commit)
        lfs = {"X_Linked_Size": entry["size"], "X_Linked_Etag": f'"{entry["lfs"]["oid"]}"'}
        return self.respond(302, Location=f"{self.server.storage}/cdn/{name}/{file}", **commit, **lfs)

    def _send_file(self, repository, file, **headers):
        content, status = repository.files[file], 200
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(asked[1]), int(asked[2] or len(content) - 1)
            headers["Content_Range"] = f"bytes {first}-{last}/{len(content)}"
            content, status = content[first : last + 1], 206
        if self.command == "GET" and repository.cuts.get(file, 0) > 0:
            repository.cuts[file] -= 1
            half = content[: len(content) // 2]
            self.close_connection = True
            return self.respond(status, half, **headers | {"Content_Length": len(content)})
        return self.respond(status, content, **headers)

    def _inform(self, repository, match, query, body):
        kind, name, route, _, folder = match.groups()
        if route == "tree":
            entries = repository.below(folder or "", "recursive=true" in query.lower())
            return self.respond(200, entries) if entries else self._refuse(404, "EntryNotFound", "No such folder")
        if route == "paths-info":
            paths = json.loads(body)["paths"] if body.startswith(b"{") else re.findall(r"paths=([^&]*)", body.decode())
            entries = [repository.entry(unquote(path)) for path in ([paths] if isinstance(paths, str) else paths)]
            return self.respond(200, [entry for entry in entries if entry])
        files = [{"rfilename": path} for path in sorted(repository.files)]
        about = {"id": name, "sha": repository.commit, "private": False, "gated": False, "tags": [], "siblings": files}
        return self.respond(200, about | ({"modelId": name} if kind == "models" else {}))
