/**
 * Message text to elements. Two fences, one behind the other: markdown-it knows only the few marks listed here and
 * escapes everything else, and DOMPurify lets only the few elements listed here into the page.
 */
import DOMPurify from 'dompurify'
import MarkdownIt from 'markdown-it'
import { withHeadings } from './headings'
import { framed, withTables } from './tables'

const MARKS = [
  'text',
  'newline',
  'escape',
  'backticks',
  'emphasis',
  'strikethrough',
  'link',
  'autolink',
  'linkify',
  'balance_pairs',
  'fragments_join',
  'fence',
  'blockquote',
  'list',
  'paragraph',
  'normalize',
  'block',
  'inline',
]

const SAFE_LINK = /^(?:https?:\/\/|mailto:)/i
/** Deeper nesting is nobody's message; it is somebody's attack on the page. */
const MAX_NESTING = 16

const markdown = new MarkdownIt('zero', { html: false, linkify: true, breaks: true, maxNesting: MAX_NESTING })
markdown.enable(MARKS, true)
withTables(markdown)
withHeadings(markdown)
markdown.validateLink = (url) => SAFE_LINK.test(url)
// Only what says its scheme is a link: "count.py" and "etc.the" are none.
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false })

const purifier = DOMPurify(window)

const PURIFY = {
  ALLOWED_TAGS: ['p', 'h3', 'h4', 'h5', 'h6', 'br', 'strong', 'em', 's', 'code', 'pre', 'a', 'ul', 'ol', 'li', 'blockquote', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ALLOWED_ATTR: ['href', 'start', 'align'],
  ALLOWED_URI_REGEXP: SAFE_LINK,
  // A list's first number is no address, and neither is the side of a cell.
  ADD_URI_SAFE_ATTR: ['start', 'align'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
}

/** Most messages hold no mark at all and need no parser. */
const MAYBE_MARKED = /[*_`~[\]<>\\#&]|:\/\/|\.\w|@|\n|^\s*(?:[-+]|\d+[.)])\s/

export function renderBody(body: string): DocumentFragment {
  if (!MAYBE_MARKED.test(body)) return plain(body)
  const fragment = purifier.sanitize(markdown.render(body), PURIFY)
  fragment.querySelectorAll('a').forEach(openOutside)
  fragment.querySelectorAll('table').forEach(framed)
  return fragment
}

function plain(body: string): DocumentFragment {
  const fragment = document.createDocumentFragment()
  const paragraph = document.createElement('p')
  paragraph.textContent = body
  fragment.append(paragraph)
  return fragment
}

/** The other page learns neither who sent the reader nor gets hold of this window. */
function openOutside(link: HTMLAnchorElement): void {
  link.rel = 'noopener noreferrer'
  link.target = '_blank'
}
