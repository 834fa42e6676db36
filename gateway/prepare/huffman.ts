/** The bits of a code, as they are written: the first one is the lowest. */
export interface CodeWord {
  readonly bits: number
  readonly length: number
}

/**
 * Returns how long Huffman's code for each symbol is, of at most so many bits. Symbols that do not occur have none; there
 * must be two that do.
 */
export function codeLengths(counts: readonly number[], most: number): readonly number[] {
  for (let flattened = counts; ; flattened = flattened.map((count) => Math.ceil(count / 4))) {
    const lengths = freeLengths(flattened)
    if (lengths.every((length) => length <= most)) return lengths
  }
}

interface Node {
  readonly count: number
  /** Leaves have a symbol, others two nodes. */
  readonly symbol: number
  readonly nodes: readonly Node[]
}

/** Joins the two rarest nodes until one is left; those that are joined come in order, and so need no sorting. */
function freeLengths(counts: readonly number[]): number[] {
  const leaves = counts
    .map((count, symbol): Node => ({ count, symbol, nodes: [] }))
    .filter(({ count }) => count > 0)
    .toSorted((one, other) => one.count - other.count)
  const joined: Node[] = []
  let [leaf, inner] = [0, 0]
  const rarest = (): Node => {
    const [next, other] = [leaves[leaf], joined[inner]]
    if (next !== undefined && (other === undefined || next.count <= other.count)) {
      leaf++
      return next
    }
    inner++
    return other!
  }
  for (let left = leaves.length; left > 1; left--) {
    const nodes = [rarest(), rarest()]
    joined.push({ count: nodes[0]!.count + nodes[1]!.count, symbol: -1, nodes })
  }
  const lengths = counts.map(() => 0)
  const measure = ({ symbol, nodes }: Node, depth: number) => {
    if (symbol >= 0) lengths[symbol] = depth
    for (const node of nodes) measure(node, depth + 1)
  }
  measure(joined.at(-1)!, 0)
  return lengths
}

/** Returns the codes of RFC 1951, 3.2.2: shorter ones come first, and those of a length in the order of their symbols. */
export function codeWords(lengths: readonly number[]): readonly CodeWord[] {
  const next: number[] = []
  for (let length = 1, code = 0; length <= Math.max(...lengths); length++) {
    next[length] = code
    code = (code + lengths.filter((one) => one === length).length) << 1
  }
  return lengths.map((length) => ({ bits: length === 0 ? 0 : reversed(next[length]!++, length), length }))
}

function reversed(code: number, length: number): number {
  let bits = 0
  for (let bit = 0; bit < length; bit++) bits = (bits << 1) | ((code >> bit) & 1)
  return bits
}
