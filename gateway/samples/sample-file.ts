import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { sampleFacts, type Sample } from './sample.ts'

// A file: MAGIC, one byte that says whether it is encrypted, and the content. The content: the length of the facts as 32
// bits, the facts as JSON, and the images one after the other. Encrypted: a nonce, the content by AES-256-GCM, its tag; the
// tag covers MAGIC and the byte, too.
const MAGIC = Buffer.from('OCRSMPL1', 'latin1')
const PLAIN = 0
const ENCRYPTED = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32
const CIPHER = 'aes-256-gcm'

/** Why a file cannot be read. */
export class SampleProblem extends Error {
  override readonly name = 'SampleProblem'
}

/** Returns the key that a text holds, 32 bytes in base64; null for anything else. */
export function parseSamplesKey(text: string): Buffer | null {
  const bytes = Buffer.from(text.trim(), 'base64')
  return bytes.length === KEY_BYTES && bytes.toString('base64') === text.trim() ? bytes : null
}

/** Writes a sample as the bytes of its file. */
export function encodeSample({ facts, images }: Sample, key: Uint8Array | null): Buffer {
  const json = Buffer.from(JSON.stringify(facts))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  const content = [length, json, ...images]
  if (key === null) return Buffer.concat([MAGIC, Buffer.of(PLAIN), ...content])
  const head = Buffer.concat([MAGIC, Buffer.of(ENCRYPTED)])
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(head)
  const pieces = content.map((piece) => cipher.update(piece))
  return Buffer.concat([head, nonce, ...pieces, cipher.final(), cipher.getAuthTag()])
}

/** Reads the bytes of a sample's file. Throws `SampleProblem` for one that is damaged, or encrypted with another key. */
export function decodeSample(bytes: Buffer, key: Uint8Array | null): Sample {
  if (bytes.length <= MAGIC.length || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new SampleProblem('it is no sample')
  const content = bytes[MAGIC.length] === ENCRYPTED ? decrypted(bytes, key) : bytes.subarray(MAGIC.length + 1)
  const end = content.length < 4 ? Infinity : 4 + content.readUInt32LE(0)
  if (end > content.length) throw new SampleProblem('it is cut off')
  const facts = factsIn(content.toString('utf8', 4, end))
  const images: Uint8Array[] = []
  let from = end
  for (const image of facts.images) images.push(content.subarray(from, (from += image.bytes)))
  if (from !== content.length) throw new SampleProblem('it is cut off')
  return { facts, images }
}

function decrypted(bytes: Buffer, key: Uint8Array | null): Buffer {
  if (key === null) throw new SampleProblem('it is encrypted: give its key')
  const head = MAGIC.length + 1
  const from = head + NONCE_BYTES
  const to = bytes.length - TAG_BYTES
  if (to < from) throw new SampleProblem('it is cut off')
  const cipher = createDecipheriv(CIPHER, key, bytes.subarray(head, from), { authTagLength: TAG_BYTES })
  cipher.setAAD(bytes.subarray(0, head)).setAuthTag(bytes.subarray(to))
  try {
    return Buffer.concat([cipher.update(bytes.subarray(from, to)), cipher.final()])
  } catch {
    throw new SampleProblem('it is encrypted with another key, or damaged')
  }
}

function factsIn(json: string): Sample['facts'] {
  try {
    return sampleFacts.parse(JSON.parse(json))
  } catch {
    throw new SampleProblem('it was written by another version, or is damaged')
  }
}
