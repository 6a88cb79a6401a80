import { expect, test } from 'vitest'
import { mermaidText } from '../../src/core/mermaid.ts'

test('nothing in a label can end it, start markup or break the line', () => {
  expect(mermaidText('kcl:a >=1.0.0 "x"\n#`|&')).toBe('kcl:a #62;=1.0.0 #34;x#34;#10;#35;#96;#124;#38;')
  expect(mermaidText('kubernetes 1.28.0 ^1.0.0 || ~2')).toBe('kubernetes 1.28.0 ^1.0.0 #124;#124; ~2')
})
