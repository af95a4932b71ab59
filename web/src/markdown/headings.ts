/** Headings, as `# words`. The rule is markdown-it's own; ours are that one has words, and how it is ranked. */
import MarkdownIt from 'markdown-it'
import type { MarkdownIt as Parser, ParserBlock } from 'markdown-it'

type BlockRule = ReturnType<ParserBlock['ruler']['getRules']>[number]

const WITH_WORDS = /^#{1,6}[ \t]+(?!#+[ \t]*$)\S/
/** What a page has above a message are headings of the first two ranks. */
const RANKS_ABOVE = 2
const LAST_RANK = 6

export function withHeadings(markdown: Parser): void {
  markdown.enable('heading')
  const { ruler } = new MarkdownIt().block
  ruler.enableOnly(['heading'])
  const [heading] = ruler.getRules('')
  if (heading) markdown.block.ruler.at('heading', worded(heading), { alt: ['paragraph', 'reference', 'blockquote'] })
  markdown.core.ruler.push('ranks', ({ tokens }) => {
    for (const token of tokens) {
      if (token.type === 'heading_open' || token.type === 'heading_close') token.tag = rank(token.tag)
    }
  })
}

/** A lone `#` stays what it is: as a heading it would show nothing. */
function worded(heading: BlockRule): BlockRule {
  return (state, startLine, endLine, silent) => {
    const line = state.src.slice((state.bMarks[startLine] ?? 0) + (state.tShift[startLine] ?? 0), state.eMarks[startLine])
    return WITH_WORDS.test(line) && heading(state, startLine, endLine, silent)
  }
}

function rank(tag: string): string {
  return `h${Math.min(Number(tag.slice(1)) + RANKS_ABOVE, LAST_RANK)}`
}
