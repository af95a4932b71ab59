import { describe, expect, it } from 'vitest'
import { renderBody } from './render'

function html(body: string): string {
  const holder = document.createElement('div')
  holder.append(renderBody(body))
  return holder.innerHTML.trim()
}

function elements(body: string): Element[] {
  const holder = document.createElement('div')
  holder.append(renderBody(body))
  return [...holder.querySelectorAll('*')]
}

describe('the marks we know', () => {
  it.each([
    ['plain words', '<p>plain words</p>'],
    ['**bold** _italic_ ~~gone~~ `code`', '<p><strong>bold</strong> <em>italic</em> <s>gone</s> <code>code</code></p>'],
    ['one\ntwo', '<p>one<br>\ntwo</p>'],
    ['> said', '<blockquote>\n<p>said</p>\n</blockquote>'],
    ['3. three\n4. four', '<ol start="3">\n<li>three</li>\n<li>four</li>\n</ol>'],
    ['```\na < b\n```', '<pre><code>a &lt; b\n</code></pre>'],
  ])('%j', (body, expected) => expect(html(body)).toBe(expected))

  it.each(['#no heading', '#', '##  ', '# #', '### ##', '####### seven', 'in # words', '| no table |', '| no | table |\n| a | b |', '---', '    no indented code', 'a\n==='])(
    '%j stays text',
    (body) => expect(elements(body).every(({ tagName }) => ['P', 'BR'].includes(tagName))).toBe(true),
  )

  it('keeps a name with underscores and a sum as they are', () => {
    expect(html('snake_case_name and 2 * 3 * 4')).toBe('<p>snake_case_name and 2 * 3 * 4</p>')
  })
})

describe('headings', () => {
  it.each([
    ['# One', '<h3>One</h3>'],
    ['## Two ##', '<h4>Two</h4>'],
    ['### Three', '<h5>Three</h5>'],
    ['###### Six', '<h6>Six</h6>'],
    ['# C#', '<h3>C#</h3>'],
    ['before\n# **One** `two`\nafter', '<p>before</p>\n<h3><strong>One</strong> <code>two</code></h3>\n<p>after</p>'],
    ['- # in a list', '<ul>\n<li>\n<h3>in a list</h3>\n</li>\n</ul>'],
    ['> # said', '<blockquote>\n<h3>said</h3>\n</blockquote>'],
  ])('%j', (body, expected) => expect(html(body)).toBe(expected))

  it('say nothing of themselves', () => {
    expect(elements('# <b id=x>One</b> {#x .y}').flatMap(({ attributes }) => [...attributes])).toEqual([])
  })
})

describe('tables', () => {
  const TABLE = '| who | when |\n| :-- | --: |\n| **Ann** | 9 |\n| Bo |'

  it('have a head, rows, and cells that align; missing cells are empty', () => {
    const head = '<thead>\n<tr>\n<th align="left">who</th>\n<th align="right">when</th>\n</tr>\n</thead>'
    const first = '<tr>\n<td align="left"><strong>Ann</strong></td>\n<td align="right">9</td>\n</tr>'
    const second = '<tr>\n<td align="left">Bo</td>\n<td align="right"></td>\n</tr>'
    expect(html(TABLE)).toBe(
      `<div class="body__table" tabindex="0"><table>\n${head}\n<tbody>\n${first}\n${second}\n</tbody>\n</table></div>`,
    )
  })

  it('stand between paragraphs, and in what somebody quotes', () => {
    expect(elements(`before\n\n${TABLE}\n\nafter`).filter(({ tagName }) => tagName === 'P')).toHaveLength(2)
    expect(html(TABLE.replace(/^/gm, '> '))).toMatch(/^<blockquote>\n<div class="body__table"/)
  })

  it('have no styles, whatever the columns say', () => {
    expect(elements(TABLE).some((element) => element.hasAttribute('style'))).toBe(false)
  })

  it.each([
    ['wide and filled up', `${'|a'.repeat(1_600)}\n${'|-'.repeat(1_600)}\n${'|\n'.repeat(1_700)}`],
    ['long', `a|b\n-|-\n${'c\n'.repeat(4_900)}`],
    ['many in one', 'a|b\n-|-\n'.repeat(1_200)],
  ])('that are too large stay text: %s', (_, body) => {
    const began = performance.now()
    expect(elements(body).filter(({ tagName }) => tagName === 'TD').length).toBeLessThanOrEqual(2_000)
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

describe('links', () => {
  it.each(['https://example.org/a?b=c', 'http://example.org', 'mailto:ann@example.org'])('%s open outside', (address) => {
    const link = elements(`see [this](${address})`).find(({ tagName }) => tagName === 'A')
    expect(link?.getAttribute('href')).toBe(address)
    expect(link?.getAttribute('rel')).toBe('noopener noreferrer')
    expect(link?.getAttribute('target')).toBe('_blank')
  })

  it('are found in the text when they say their scheme', () => {
    expect(html('at https://example.org/x.')).toContain('<a href="https://example.org/x"')
    expect(html('count.py and www.example.org')).not.toContain('<a')
  })
})

describe('what is refused', () => {
  const CORPUS = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<svg/onload=alert(1)>',
    '<iframe srcdoc="<script>alert(1)</script>">',
    '<a href="javascript:alert(1)">x</a>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](&#106;avascript:alert(1))',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '[x](vbscript:msgbox)',
    '[x](//example.org)',
    '[x](/api/v1.0/session)',
    '<javascript:alert(1)>',
    '![i](https://example.org/pixel.png)',
    '[x](https://example.org "onmouseover=alert(1)")',
    '`<img src=x onerror=alert(1)>`',
    '```"><script>alert(1)</script>\nx\n```',
    '<math><mtext><table><mglyph><style><!--</style><img src=x onerror=alert(1)>',
    '<style>*{display:none}</style>',
    '<form action=https://example.org><input name=password>',
    '# <img src=x onerror=alert(1)>',
    '## [x](javascript:alert(1)) ##',
  ]
  const ALLOWED = ['P', 'H3', 'H4', 'BR', 'STRONG', 'EM', 'S', 'CODE', 'PRE', 'A', 'UL', 'OL', 'LI', 'BLOCKQUOTE']

  it.each(CORPUS)('%s', (body) => {
    for (const element of elements(body)) {
      expect(ALLOWED).toContain(element.tagName)
      for (const { name } of [...element.attributes]) expect(['href', 'rel', 'target', 'start']).toContain(name)
      if (element.tagName === 'A') expect(element.getAttribute('href')).toMatch(/^https?:\/\/|^mailto:/)
    }
  })

  it('still shows what was written', () => {
    expect(html('<b>x</b>')).toBe('<p>&lt;b&gt;x&lt;/b&gt;</p>')
  })
})

it.each(['>'.repeat(9_000), '*'.repeat(9_000), '['.repeat(9_000), '`'.repeat(9_000), '- '.repeat(4_500), '_a'.repeat(4_500), '# '.repeat(4_500)])(
  'is quick with a long row of marks (%#)',
  (body) => {
    const started = performance.now()
    renderBody(body)
    expect(performance.now() - started).toBeLessThan(500)
  },
)
