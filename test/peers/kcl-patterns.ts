/** Longer than the 100 bytes that a tar header has for a name. */
const longest = `long/${'l'.repeat(120)}.k`

/** A KCL package for what kpm's order, its patterns and what it passes over are about. */
export const patterns = {
  'kcl.mod': `[package]
name = "patterns"
version = "1.0.0"
description = "A \\"quoted\\" text\\nof <two> lines & an ä"
include = ["kcl.mod", "*.k", "*/*.k", "b.tgz", "*.gz", ".git*"]
exclude = ["draft?.k", "tests/*", "main?inner.k"]
`,
  'main.k': 'a = 1\n',
  'main/inner.k': 'b = 2\n',
  'main-2.k': '',
  'draft1.k': 'draft = 1\n',
  'draft10.k': 'kept = 1\n',
  'tests/main.k': 'c = 3\n',
  'tests/deep/main.k': 'd = 4\n',
  'ünïcode name.k': 'e = 5\n',
  'b.tgz': 'no archive',
  'c.tar.gz': 'no archive',
  'notes.txt': 'not included',
  '.gitignore': 'nothing\n',
  [longest]: 'f = 6\n',
}
/** Which of them are packed, in their order. */
export const packed = [
  'b.tgz',
  'draft10.k',
  'kcl.mod',
  longest,
  'main/inner.k',
  'main-2.k',
  'main.k',
  'ünïcode name.k',
]
