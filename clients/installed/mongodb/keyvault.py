"""A key vault collection for one client: the part of a MongoDB server that inserts and finds data keys.

It answers hello, insert and find in OP_MSG, and keeps what is inserted in one file. It ignores filters, because
the vault of this run has one data key.
"""

import socketserver
import struct
import threading

import bson

OP_MSG = 2013
HELLO = {
    "isWritablePrimary": True,
    "maxBsonObjectSize": 1 << 24,
    "maxMessageSizeBytes": 1 << 25,
    "maxWriteBatchSize": 1000,
    "minWireVersion": 0,
    "maxWireVersion": 21,
}


def serve(file):
    """Serve the vault in file on a free port, and return the address as a MongoDB URI."""

    def answer(command, documents):
        if "insert" in command:
            file.write_bytes(b"".join(map(bson.encode, documents)))
            return {"n": len(documents)}
        if "find" in command:
            found = bson.decode_all(file.read_bytes())
            return {"cursor": {"id": 0, "ns": f"{command['$db']}.{command['find']}", "firstBatch": found}}
        return HELLO

    class Connection(socketserver.StreamRequestHandler):
        def handle(self):
            while header := self.rfile.read(16):
                length, request, _, _ = struct.unpack("<iiii", header)
                reply = bson.encode({"ok": 1.0, **answer(*sections(self.rfile.read(length - 16)))})
                self.wfile.write(struct.pack("<iiiiIB", 21 + len(reply), 0, request, OP_MSG, 0, 0) + reply)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"mongodb://127.0.0.1:{server.server_address[1]}"


def sections(message):
    """Return the command and the documents of an OP_MSG: a section of kind 0, and one of kind 1 if there is one."""
    command, documents, at = {}, [], 4
    while at < len(message):
        kind, (size,) = message[at], struct.unpack_from("<i", message, at + 1)
        section, at = message[at + 1 : at + 1 + size], at + 1 + size
        if kind == 0:
            command = bson.decode(section)
        else:
            documents = bson.decode_all(section[section.index(b"\0", 4) + 1 :])
    return command, documents
