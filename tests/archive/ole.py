"""An OLE file from a tree of names, and an Outlook .msg from mails: [MS-CFB] and [MS-OXMSG] by hand, for tests."""

import struct

Tree = dict[str, "bytes | Tree"]
SECTOR, MINI, CUTOFF = 512, 64, 4096
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def ole(tree: Tree) -> bytes:
    """Lay a tree of folders and streams out as an OLE file."""
    # name, kind, left and right neighbour, child, start, size
    entries: list[list] = [["Root Entry", 5, FREE, FREE, FREE, END, 0]]
    sectors, fat, mini, minifat = bytearray(), [], bytearray(), []

    def put(data: bytes, where: bytearray, table: list[int], size: int) -> int:
        if not data:
            return END
        first, count = len(table), -(-len(data) // size)
        where += data.ljust(count * size, b"\0")
        table += [*range(first + 1, first + count), END]
        return first

    def add(folder: Tree, parent: int) -> None:
        numbers = []
        for name in sorted(folder, key=lambda n: (len(n), n.upper())):
            data = folder[name]
            numbers.append(len(entries))
            if isinstance(data, dict):
                entries.append([name, 1, FREE, FREE, FREE, 0, 0])
                add(data, numbers[-1])
            else:
                small = len(data) < CUTOFF
                start = put(data, *((mini, minifat, MINI) if small else (sectors, fat, SECTOR)))
                entries.append([name, 2, FREE, FREE, FREE, start, len(data)])
        entries[parent][4] = balanced(numbers)

    def balanced(numbers: list[int]) -> int:
        """A folder's names are a tree of their own: who reads a row of thousands goes too deep."""
        if not numbers:
            return FREE
        middle = len(numbers) // 2
        entries[numbers[middle]][2:4] = balanced(numbers[:middle]), balanced(numbers[middle + 1 :])
        return numbers[middle]

    add(tree, 0)
    entries[0][5:] = put(bytes(mini), sectors, fat, SECTOR), len(mini)
    packed = b"".join(
        name.encode("utf-16-le").ljust(64, b"\0") + struct.pack("<HBBIII36xIQ", 2 * len(name) + 2, kind, 1, left, right, child, start, size)
        for name, kind, left, right, child, start, size in entries
    )  # fmt: skip
    directory = put(packed.ljust(-(-len(packed) // SECTOR) * SECTOR, b"\0"), sectors, fat, SECTOR)
    first_mini = put(struct.pack(f"<{len(minifat)}I", *minifat).ljust(-(-len(minifat) // 128) * SECTOR, b"\xff"), sectors, fat, SECTOR)  # fmt: skip
    tables = 1
    while tables * 128 < len(fat) + tables:
        tables += 1
    places = list(range(len(fat), len(fat) + tables))
    fat += [FAT] * tables
    sectors += struct.pack(f"<{len(fat)}I", *fat).ljust(tables * SECTOR, b"\xff")
    # The first 109 tables are named in the header, others in sectors of their own, each of which names the next.
    more = [places[at : at + 127] for at in range(109, tables, 127)]
    first_more = len(sectors) // SECTOR if more else END
    for number, named in enumerate(more, first_more + 1):
        following = number if number - first_more < len(more) else END
        sectors += struct.pack("<128I", *named, *[FREE] * (127 - len(named)), following)
    head = struct.pack(
        "<8s16xHHHHH6xIII4xIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6,
        0, tables, directory, CUTOFF, first_mini, -(-len(minifat) // 128), first_more, len(more),
    )  # fmt: skip
    first = places[:109]
    return head + struct.pack("<109I", *first, *[FREE] * (109 - len(first))) + bytes(sectors)


def message(header: str | None, attachments: "list[bytes | Tree]", *, encoding: str = "utf-16-le") -> Tree:  # fmt: skip
    """Give a message's tree; an attachment that is a tree is a message of its own."""
    tree: Tree = {"__properties_version1.0": bytes(32)}
    if header is not None:
        kind = "1F" if encoding == "utf-16-le" else "1E"
        tree[f"__substg1.0_007D00{kind}"] = header.encode(encoding)
    for number, data in enumerate(attachments):
        name = "__substg1.0_37010102" if isinstance(data, bytes) else "__substg1.0_3701000D"
        tree[f"__attach_version1.0_#{number:08X}"] = {
            name: data,
            "__properties_version1.0": bytes(8),
        }
    return tree
