import type { Limits, Stored } from './quota.ts'
import type { FilePage, FileQuery, StoredFile } from './stored-file.ts'
import type { Upload, UploadPart } from './upload.ts'

/** What an owner has stored, or all have; `files` leaves out uploads and their parts. */
export interface StoredCounts extends Stored {
  readonly files: number
}

/** An upload that was neither completed nor cancelled in time, and its parts. */
export interface GivenUp {
  readonly id: string
  readonly partIds: readonly string[]
}

/**
 * What is known of files and uploads: in the embedded database, or in Redis where replicas share it. Each change happens
 * whole, or not at all. Throws `storage_full` and `storage_unavailable`; after the latter it is not known whether the change
 * has happened, and it can be asked for again.
 */
export interface FileTable {
  /** Adds a file, unless it is there. Throws `storage_full` where that would be more than the limits; null: there are none. */
  addFile(owner: string, file: StoredFile, limits: Limits | null): Promise<void>
  /** Returns a file that is not expired; of any owner where that is null. */
  findFile(owner: string | null, id: string): Promise<StoredFile | null>
  listFiles(owner: string, query: FileQuery): Promise<FilePage>
  /** Returns whether there was one. */
  removeFile(owner: string, id: string): Promise<boolean>
  /** What an owner has, or all have. */
  stored(owner: string | null): Promise<StoredCounts>

  addUpload(owner: string, upload: Upload, limits: Limits): Promise<void>
  findUpload(owner: string, id: string): Promise<Upload | null>
  partsOf(uploadId: string): Promise<readonly UploadPart[]>
  /** Adds a part, unless its upload is over; returns whether it was added. Throws `storage_full`. */
  addPart(owner: string, uploadId: string, part: UploadPart, limits: Limits): Promise<boolean>
  /** Makes an upload a file, and returns the ids of its parts, which are forgotten; null where it was over. */
  completeUpload(owner: string, uploadId: string, file: StoredFile): Promise<readonly string[] | null>
  /** Ends a pending upload, and returns the ids of its parts, which are forgotten. */
  cancelUpload(uploadId: string): Promise<readonly string[]>

  /** Returns the ids of files whose time is over, of some of them. */
  expiredFiles(limit: number): Promise<readonly string[]>
  /** Forgets files, whosever they are. */
  forgetFiles(ids: readonly string[]): Promise<void>
  givenUpUploads(limit: number): Promise<readonly GivenUp[]>
  /** Ends an upload whose time is over, and forgets its parts. */
  giveUp(uploadId: string): Promise<void>
  /** Forgets uploads of long ago, some of them; returns whether there were any. */
  forgetOldUploads(limit: number): Promise<boolean>
  /** Returns those of some ids that neither a file nor a part of an upload has. */
  unowned(ids: readonly string[]): Promise<readonly string[]>

  /** Returns a secret by its name; where there is none yet, it becomes what `make` returns. */
  secret(name: string, make: () => Promise<Uint8Array>): Promise<Uint8Array>
  /** Whether it was told that it knows of all files: one that is new was not, nor one that has lost everything since. */
  isFilled(): Promise<boolean>
  /** Notes that it knows of all files whose bytes are kept. */
  filled(): Promise<void>
  /** Takes a duty for so many seconds; returns false where another process has it. */
  claim(duty: string, seconds: number): Promise<boolean>
}
