/** Letters that LaTeX writes as a command and a text layer as a character. */
const GREEK: ReadonlyMap<string, string> = new Map(
  (
    'alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta θ iota ι kappa κ lambda λ mu μ ' +
    'nu ν xi ξ pi π rho ρ varrho ρ sigma σ tau τ upsilon υ phi φ varphi φ chi χ psi ψ omega ω ell l'
  )
    .matchAll(/(\w+) (\S)/g)
    .map(([, name = '', letter = '']) => [name, letter]),
)
/** LaTeX commands that print their own name. */
const FUNCTION = /^(?:arg|cos|cot|deg|det|dim|exp|gcd|inf|ker|lim|ln|log|max|min|mod|sec|sin|sup|tan|tanh|sinh|cosh)$/
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** Removes Markdown, HTML and LaTeX markup from an answer. The result is only for comparison. */
export function plainAnswer(answer: string): string {
  return withoutComments(answer)
    .replaceAll(/!\[((?:(?!!\[)[^\]\n]){0,500})\]\([^()\n]{0,500}\)/g, ' $1 ')
    .replaceAll(/<\/?[a-z][^<>]{0,500}>/gi, ' ')
    .replaceAll(/&(?:#(\d{1,6})|#x([\da-f]{1,6})|(\w{2,6}));/gi, (entity, decimal, hexadecimal, name) =>
      decodeEntity(entity, decimal, hexadecimal, name),
    )
    .replaceAll(/\\(?:begin|end)\{[^{}\n]{0,40}\}/g, ' ')
    .replaceAll(/\\([a-z]+)/gi, (_, name: string) => command(name))
    .replaceAll(/[\\|{}]/g, ' ')
}

/** The longest comment: of what is longer, the beginning may have been read wrongly, and the rest be text. */
const MAX_COMMENT = 2000

/** Looks for each sign once: an answer may open thousands of comments and close none. */
function withoutComments(text: string): string {
  let plain = ''
  let from = 0
  let end = 0
  for (let start = text.indexOf('<!--'); start >= 0; start = text.indexOf('<!--', Math.max(from, start + 1))) {
    if (end < start + 4) end = text.indexOf('-->', start + 4)
    if (end < 0) break
    if (end - start - 4 > MAX_COMMENT) continue
    plain += `${text.slice(from, start)} `
    from = end + 3
  }
  return plain + text.slice(from)
}

function decodeEntity(entity: string, decimal?: string, hexadecimal?: string, name?: string): string {
  if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? entity
  const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : entity
}

function command(name: string): string {
  const greek = GREEK.get(name.toLowerCase())
  if (greek !== undefined) return ` ${greek} `
  return FUNCTION.test(name) ? ` ${name} ` : ' '
}
