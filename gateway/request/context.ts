import type { Source, SourceFacts } from '../document/source.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import type { Span } from '../telemetry/span.ts'
import type { JsonText } from './json-text.ts'
import type { OcrRequest } from './ocr-request.ts'

/** A request body whose long strings, documents among them, are read only when they are needed. */
export interface RequestBody {
  /** What the body says, with a mark in place of all but the beginning of long strings. */
  readonly outline: unknown
  /** Returns the long string that a string of the outline stands for; null: it stands for itself. */
  readonly longText: (outlined: string) => JsonText | null
  /** Returns a name that stands twice in one of its objects; null where there is none. */
  readonly repeatedName: () => Promise<string | null>
}

/** What becomes of chats without a document that name an OCR model. */
export interface TextChats {
  readonly areRefused: boolean
  /** The most tokens that one may ask for; null: any number. */
  readonly maxTokens: number | null
}

/** Finds documents that a request names, and does not hold. */
export interface NamedDocuments {
  /** Returns a stored file of the caller. Throws `file_not_found`. */
  readonly stored: (id: string, facts: SourceFacts) => Promise<Source>
  /** Returns what an address stands for, of any scheme but `data:`. Throws `url_not_allowed`. */
  readonly at: (address: string, facts: SourceFacts) => Promise<Source>
}

/** What decides how a request is read, beside its body. */
export interface RequestContext {
  readonly requestId: string
  /** Left out: it is not traced. */
  readonly span?: Span | undefined
  /** The name of the caller's API key; null when the gateway has no keys. */
  readonly key: string | null
  /** How long the client waits for a whole answer, in seconds from now; null when it does not say. */
  readonly patienceSeconds: number | null
  /** What becomes of the pages that an engine has taken, when the client leaves; left out: they are aborted. */
  readonly onDisconnect?: OcrRequest['onDisconnect']
  readonly maxDocumentBytes: number
  readonly textChats: TextChats
  readonly named: NamedDocuments
  /**
   * Finds the model of a name; throws `model_not_found`. `second`: a model beside the request's own, which its caller may not
   * use, is `forbidden`.
   */
  readonly findModel: (name: string, second?: { readonly param: string }) => Promise<ServedModel>
  /** Finds a model that may check the answers of another; null: there is none. Left out: there never is. */
  readonly findReferee?: (main: ServedModel) => Promise<ServedModel | null>
}
