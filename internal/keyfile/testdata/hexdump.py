"""Writes a file as hexdump -C does."""
import sys

with open(sys.argv[1], "rb") as f:
    content = f.read()
for at in range(0, len(content), 16):
    line = content[at:at + 16]
    print(f"{at:08x}  {line[:8].hex(' ')}  {line[8:].hex(' ')}  |{'.' * len(line)}|")
print(f"{len(content):08x}")
