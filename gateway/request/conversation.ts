import type { DocumentPart, Part } from './content-part.ts'

/** One message of a conversation, in any protocol. */
export interface Message {
  readonly role: string
  readonly parts: readonly Part[]
}

/** What of a conversation a request is about. */
export interface Asked {
  readonly documents: readonly DocumentPart[]
  /** The texts beside the documents. */
  readonly texts: readonly string[]
  /** How many documents of other messages are not read. */
  readonly leftOut: number
}

const instructionRoles: ReadonlySet<string> = new Set(['system', 'developer'])
/** What a model has said, or a tool, is no instruction. */
const answerRoles: ReadonlySet<string> = new Set(['assistant', 'tool', 'function'])

/**
 * Returns what a conversation asks for: with `last`, the documents of the last user message that has any, with the texts since
 * the answer before it, and of system messages; with `all`, those of every message. Where no user message has a
 * document, the last message that has one counts.
 */
export function askedOf(messages: readonly Message[], which: 'last' | 'all'): Asked {
  const first = which === 'all' ? 0 : lastWithDocuments(messages)
  const documents = messages.filter((_, index) => which === 'all' || index === first).flatMap(documentsOf)
  // Some clients send a question and its document as two messages.
  const since = messages.slice(0, Math.max(0, first)).findLastIndex(({ role }) => answerRoles.has(role)) + 1
  const texts = messages
    .filter(({ role }, index) => (index >= since || instructionRoles.has(role)) && !answerRoles.has(role))
    .flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])))
  return {
    documents,
    texts,
    leftOut: messages.flatMap(documentsOf).length - documents.length,
  }
}

function lastWithDocuments(messages: readonly Message[]): number {
  const has = (message: Message) => documentsOf(message).length > 0
  const ofUser = messages.findLastIndex((message) => message.role === 'user' && has(message))
  return ofUser >= 0 ? ofUser : messages.findLastIndex(has)
}

function documentsOf({ parts }: Message): DocumentPart[] {
  return parts.filter((part) => part.kind === 'document')
}
