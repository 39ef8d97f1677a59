#!/usr/bin/env python3
"""Makes C of the status page: its templates, and the policy that names them.

usage: embed.py OUTPUT FILE...

In an .html file, {{format key}} is filled in for each answer; the formats are
those of cmd/exporter/template.h.  The first file also has {{style}} and
{{script}} filled in here, with the .css and the .js file, whose hashes are all
that the page's Content-Security-Policy lets a browser obey.
"""

import base64
import hashlib
import pathlib
import re
import sys

SLOT = re.compile(r"\{\{(\w+) ?([\w-]*)\}\}")
POLICY = ("default-src 'none'; style-src '{style}'; script-src '{script}'; "
          "img-src data:; connect-src 'self'; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'")


def bytes_of(text):
    """The elements of an array of char; long literals are not portable."""
    codes = [str(code) for code in text.encode("ascii")]
    return ",\n\t".join(", ".join(codes[i:i + 16])
                        for i in range(0, len(codes), 16))


def template(name, text):
    """One template: an array for each piece of text, and the list of them."""
    pieces = SLOT.split(text)
    texts, parts = [], []
    for i in range(0, len(pieces), 3):
        texts.append(f"static const char {name}_{i // 3}[] = "
                     f"{{ {bytes_of(pieces[i]) or '0'} }};\n")
        form, key = (pieces[i + 1:i + 3] + ["end", ""])[:2]
        parts.append(f"\t{{ {name}_{i // 3}, {len(pieces[i])}, "
                     f"TEMPLATE_{form.upper()}, \"{key}\" }},\n")
    return "".join(texts) + (f"const struct template_part template_{name}[] = "
                             f"{{\n{''.join(parts)}}};\n")


def digest(text):
    """As Content-Security-Policy has it."""
    value = hashlib.sha256(text.encode("ascii")).digest()
    return "sha256-" + base64.b64encode(value).decode("ascii")


def main(output, *names):
    files = {pathlib.Path(name): pathlib.Path(name).read_text("ascii")
             for name in names}
    inside = {file.stem: text for file, text in files.items()
              if file.suffix != ".html"}
    made = ["/*\n * Made of the files in cmd/exporter/page.\n */\n\n",
            '#include "cmd/exporter/template.h"\n\n']
    for file, text in files.items():
        if file.suffix == ".html":
            for name, what in inside.items():
                text = text.replace(f"{{{{{name}}}}}", what)
            made.append(template(file.stem, text))
    policy = POLICY.format(**{k: digest(text) for k, text in inside.items()})
    made.append(f'const char template_policy[] = "{policy}";\n')
    pathlib.Path(output).write_text("".join(made), "ascii")


main(*sys.argv[1:])
