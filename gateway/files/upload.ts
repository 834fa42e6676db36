/** How an upload stands. */
export type UploadStatus = 'pending' | 'completed' | 'cancelled' | 'expired'

/** A file that comes in parts. Times are in seconds. */
export interface Upload {
  readonly id: string
  /** How many bytes the file will have. */
  readonly bytes: number
  readonly filename: string
  readonly purpose: string
  readonly mediaType: string | null
  /** How long the file is to be kept. */
  readonly fileSeconds: number | null
  readonly status: UploadStatus
  /** The file that it became. */
  readonly fileId: string | null
  readonly createdAt: number
  readonly expiresAt: number
}

/** A part of an upload. */
export interface UploadPart {
  readonly id: string
  readonly bytes: number
  readonly createdAt: number
}

/** For how many seconds after its time it is known what became of an upload. */
export const KNOWN_FOR = 86_400
