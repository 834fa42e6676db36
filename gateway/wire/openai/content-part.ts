import { z } from 'zod'

/** Where a document stands in an object, in the spelling of one client or another, and what is said about it. */
const documentFields = {
  /** OpenAI. */
  file_data: z.string().nullish(),
  file_id: z.string().nullish(),
  /** Anthropic, LangChain JS, the AI SDK. */
  data: z.string().nullish(),
  /** LangChain 1. */
  base64: z.string().nullish(),
  url: z.string().nullish(),
  id: z.string().nullish(),
  filename: z.string().nullish().catch(null),
  name: z.string().nullish().catch(null),
  document_name: z.string().nullish().catch(null),
  title: z.string().nullish().catch(null),
  media_type: z.string().nullish().catch(null),
  mime_type: z.string().nullish().catch(null),
  mediaType: z.string().nullish().catch(null),
  mimeType: z.string().nullish().catch(null),
  /** What `data` is: `base64`, `text`, … */
  source_type: z.string().nullish().catch(null),
}

/** A document as a bare string, or in an object of its own. */
const holder = (inner: string) =>
  z
    .union(
      [
        z.string(),
        z.looseObject({ ...documentFields, type: z.string().nullish().catch(null), file_url: z.string().nullish() }),
      ],
      { error: `expected a string, or an object with a string "${inner}"` },
    )
    .nullish()

/**
 * One part of a message's content, in any spelling that clients are known to send: OpenAI's for chat completions and for
 * responses, Mistral's, Anthropic's, LangChain's, the AI SDK's, LiteLLM's. `request/content-part.ts` says what each means.
 */
export const contentPart = z.looseObject({
  type: z.string('expected a string').nullish(),
  text: z.string('expected a string').nullish(),
  file: holder('file_data'),
  image_url: holder('url'),
  document_url: holder('url'),
  file_url: holder('url'),
  source: holder('data'),
  image: holder('url'),
  document: holder('url'),
  ...documentFields,
})

/** One part of a message's content. */
export type ContentPart = z.output<typeof contentPart>

/** An object that may hold a document. */
export type DocumentFields = z.output<z.ZodObject<typeof documentFields>>
