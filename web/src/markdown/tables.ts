/** Tables as GitHub writes them. The rule is markdown-it's own; ours are how many cells it may make, and how they align. */
import MarkdownIt from 'markdown-it'
import type { MarkdownIt as Parser, ParserBlock, RendererRule } from 'markdown-it'

type BlockRule = ReturnType<ParserBlock['ruler']['getRules']>[number]

/** Short rows are filled up to the width of the first one, so a small message could make a very large table. */
const MAX_CELLS = 2_000

export function withTables(markdown: Parser): void {
  markdown.enable('table')
  const { ruler } = new MarkdownIt().block
  ruler.enableOnly(['table'])
  const [table] = ruler.getRules('')
  if (table) markdown.block.ruler.at('table', bounded(table), { alt: ['paragraph', 'reference'] })
  markdown.renderer.rules.th_open = markdown.renderer.rules.td_open = aligned
}

/** What would be larger stays text. */
function bounded(table: BlockRule): BlockRule {
  return (state, startLine, endLine, silent) => {
    if (!table(state, startLine, endLine, true)) return false
    const columns = state.getLines(startLine, startLine + 1, 0, false).split('|').length
    for (let line = startLine; line < endLine && !state.isEmpty(line); line++) {
      if ((line - startLine) * columns > MAX_CELLS) return false
    }
    return silent || table(state, startLine, endLine, false)
  }
}

/** No style attributes, which our content security policy would not let work. */
const aligned: RendererRule = (tokens, index, options, _env, renderer) => {
  const token = tokens[index]
  const style = token?.attrGet('style')?.toString()
  if (token && style) token.attrs = [['align', style.replace('text-align:', '')]]
  return renderer.renderToken(tokens, index, options)
}

/** A wide table scrolls in a frame of its own, which the keyboard reaches too. */
export function framed(table: HTMLTableElement): void {
  const frame = document.createElement('div')
  frame.className = 'body__table'
  frame.tabIndex = 0
  table.replaceWith(frame)
  frame.append(table)
}
