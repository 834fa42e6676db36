/** A stored file, as it is known without its bytes. Times are in seconds. */
export interface StoredFile {
  readonly id: string
  readonly bytes: number
  /** In hexadecimal. */
  readonly sha256: string
  readonly filename: string
  readonly purpose: string
  /** As the client has said; null where it said nothing. */
  readonly mediaType: string | null
  readonly createdAt: number
  readonly expiresAt: number
}

/** What a client says of a file. */
export interface FileFacts {
  readonly filename: string
  readonly purpose: string
  readonly mediaType: string | null
  /** How long it is to be kept, in seconds; null: as long as any. */
  readonly seconds: number | null
}

/** Which files a list has, and how many at a time. */
export interface FileQuery {
  /** The id behind which it begins; null: at the beginning. */
  readonly after: string | null
  readonly offset: number
  readonly limit: number
  readonly order: 'asc' | 'desc'
  readonly purpose: string | null
  /** Part of the name; null: any. */
  readonly search: string | null
  readonly mediaTypes: readonly string[] | null
  /** Whether the whole list is counted. */
  readonly counts: boolean
}

/** A part of a list. */
export interface FilePage {
  readonly files: readonly StoredFile[]
  readonly hasMore: boolean
  /** How many the whole list has; null where that was not asked for. */
  readonly total: number | null
}
