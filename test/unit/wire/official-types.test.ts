import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type {
  Batch,
  ChatCompletion,
  ChatCompletionChunk,
  FileDeleted as OfficialFileDeleted,
  FileObject,
  Model,
  Upload,
} from 'openai/resources'
import type { UploadPart as OfficialPart } from 'openai/resources/uploads/parts'
import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses'
import type { BatchObject } from '../../../gateway/wire/openai/batch.ts'
import type { ChatChunk, ChatCompletion as OurCompletion } from '../../../gateway/wire/openai/chat-completion.ts'
import type { FileDeleted, FileObject as OurFile } from '../../../gateway/wire/openai/file.ts'
import type { ModelEntry } from '../../../gateway/wire/openai/models.ts'
import type { ResponseEvent } from '../../../gateway/wire/openai/response-events.ts'
import type { ResponseObject } from '../../../gateway/wire/openai/response.ts'
import type { UploadObject, UploadPart } from '../../../gateway/wire/openai/upload.ts'

/** As JSON has it: a field that is left out is undefined, and nobody writes to it. */
type Read<Type> = Type extends readonly (infer Item)[]
  ? readonly Read<Item>[]
  : Type extends object
    ? { readonly [Name in keyof Type]: Read<Type[Name]> | (object extends Pick<Type, Name> ? undefined : never) }
    : Type

/** `output_text` is added by the client; `access_programs` is about OpenAI's own models, and so are its codes of errors. */
type OfficialResponse = Omit<Response, 'output_text' | 'access_programs' | 'error' | 'usage'> & {
  /** Null until it has ended, as OpenAI's own. */
  readonly usage: Response['usage'] | null
}
type OfficialEvent =
  | Exclude<ResponseStreamEvent, { readonly response: unknown }>
  | (Omit<Extract<ResponseStreamEvent, { readonly response: unknown }>, 'response'> & { readonly response: OfficialResponse }) // prettier-ignore
/** OpenAI answers null where its type has no value. */
type OfficialBatch = { readonly [Name in keyof Required<Batch>]: Read<Batch>[Name] | null }
/** Files of Mistral's purposes stand in the same lists; OpenAI itself answers null where its type has no value. */
type OfficialFile = Omit<FileObject, 'purpose' | 'status_details'>

// The types of the official client, which it does not check when it runs: `tsc` does, here.
const official = {
  completion: (ours: OurCompletion): Read<ChatCompletion> => ours,
  chunk: (ours: ChatChunk): Read<ChatCompletionChunk> => ours,
  model: (ours: ModelEntry): Read<Model> => ours,
  response: (ours: ResponseObject): Read<OfficialResponse> => ours,
  event: (ours: ResponseEvent): Read<OfficialEvent> => ours,
  file: (ours: OurFile): Read<OfficialFile> => ours,
  fileDeleted: (ours: FileDeleted): Read<OfficialFileDeleted> => ours,
  upload: (ours: UploadObject): Read<Omit<Upload, 'file'>> => ours,
  part: (ours: UploadPart): Read<OfficialPart> => ours,
  batch: (ours: BatchObject): OfficialBatch => ours,
}

describe('what the gateway answers', () => {
  it('has the types that the official client promises to its users', () => {
    assert.equal(Object.keys(official).length, 10)
  })
})
