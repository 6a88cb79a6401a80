/** Text for a label in quotes, with Mermaid's own entities for what would end it or stand for markup. */
export function mermaidText(text: string): string {
  return text.replace(/[#"<>|&`\x00-\x1f\x7f-\x9f]/g, (one) => `#${one.charCodeAt(0)};`)
}
