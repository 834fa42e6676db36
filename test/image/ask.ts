// Asks the gateway of the image for a page, from within its network: node test/image/ask.ts. Prints what it answers.
import OpenAI from 'openai'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'

const client = new OpenAI({
  baseURL: 'http://127.0.0.1:8080/v1',
  apiKey: 'correct-horse',
  maxRetries: 0,
  timeout: 120_000,
})
const completion = await client.chat.completions.create({
  model: 'tesseract',
  messages: [{ role: 'user', content: [filePart(makePdf([{ number: 1 }, { number: 2 }]))] }],
})
process.stdout.write(`${completion.choices[0]?.message.content}\n`)
