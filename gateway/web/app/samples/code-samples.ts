export interface SampleRequest {
  readonly baseUrl: string
  readonly model: string
  readonly files: readonly { readonly name: string; readonly mediaType: string }[]
  readonly ocr: Record<string, unknown>
  readonly hasKey: boolean
}
export function codeSamples(request: SampleRequest): {
  readonly curl: string
  readonly python: string
  readonly typescript: string
} {
  return { curl: `curl ${request.baseUrl}`, python: 'import openai', typescript: 'import OpenAI from "openai"' }
}
