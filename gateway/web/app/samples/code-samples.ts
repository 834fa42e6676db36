/** What is on the screen, as far as a program has to say it. */
export interface SampleRequest {
  /** With `/v1`. */
  readonly baseUrl: string
  readonly model: string
  readonly files: readonly { readonly name: string; readonly mediaType: string }[]
  readonly ocr: Record<string, unknown>
  readonly hasKey: boolean
}

/** The same request for three kinds of programs. */
export interface CodeSamples {
  readonly curl: string
  readonly python: string
  readonly typescript: string
}

/** Writes what is on the screen as code that runs as it stands, beside the files. Keys and passwords come from the environment. */
export function codeSamples(request: SampleRequest): CodeSamples {
  // Pictures of the pages are for the screen.
  const { preview: _, ...ocr } = request.ocr
  const files = request.files.length > 0 ? request.files : [{ name: 'scan.pdf', mediaType: 'application/pdf' }]
  const whole = { ...request, files, ocr }
  return { curl: curlSample(whole), python: pythonSample(whole), typescript: typescriptSample(whole) }
}

/** Where a document's password is looked for. */
const PASSWORD = 'PDF_PASSWORD'
/** Stands in JSON for what the shell puts in its place; no text of a request has this sign. */
const HOLE = '\uE000'

function curlSample({ baseUrl, model, files, ocr, hasKey }: SampleRequest): string {
  const hasPassword = ocr['password'] !== undefined
  const content = files.map(({ name, mediaType }) => ({
    type: 'file',
    file: { filename: name, file_data: `data:${mediaType};base64,${HOLE}` },
  }))
  const body = {
    model,
    messages: [{ role: 'user', content }],
    ...(isEmpty(ocr) ? {} : { ocr: hasPassword ? { ...ocr, password: HOLE } : ocr }),
  }
  const fillings = [
    ...files.map(({ name }) => `base64 < ${quoted(name)} | tr -d '\\n'`),
    ...(hasPassword ? [`printf %s "$${PASSWORD}"`] : []),
  ]
  const [first = '', ...rest] = JSON.stringify(body).split(HOLE)
  const writes = [
    `printf %s ${quoted(first)}`,
    ...rest.flatMap((part, index) => [fillings[index] ?? '', `printf %s ${quoted(part)}`]),
  ]
  return [
    `(${writes.join('\n ')}) |`,
    `  curl -sS --fail-with-body ${quoted(`${baseUrl}/chat/completions`)} \\`,
    ...(hasKey ? [`    -H "authorization: Bearer $OPENAI_API_KEY" \\`] : []),
    `    -H 'content-type: application/json' --data-binary @-`,
    '',
  ].join('\n')
}

/** One word for a shell, whatever is in it. */
const quoted = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

function pythonSample({ baseUrl, model, files, ocr, hasKey }: SampleRequest): string {
  const hasPassword = ocr['password'] !== undefined
  const options = pythonValue({ ...ocr, ...(hasPassword ? { password: HOLE } : {}) }).replace(
    `"${HOLE}"`,
    `os.environ["${PASSWORD}"]`,
  )
  return [
    'import base64',
    ...(hasKey || hasPassword ? ['import os'] : []),
    'from openai import OpenAI',
    '',
    `client = OpenAI(base_url=${text(baseUrl)}, api_key=${hasKey ? 'os.environ["OPENAI_API_KEY"]' : '"none"'})`,
    '',
    '',
    'def document(name, media_type):',
    '    with open(name, "rb") as file:',
    '        data = base64.b64encode(file.read()).decode()',
    '    return {"type": "file", "file": {"filename": name, "file_data": f"data:{media_type};base64,{data}"}}',
    '',
    '',
    'stream = client.chat.completions.create(',
    `    model=${text(model)},`,
    '    stream=True,',
    '    messages=[{"role": "user", "content": [',
    ...files.map(({ name, mediaType }) => `        document(${text(name)}, ${text(mediaType)}),`),
    '    ]}],',
    ...(isEmpty(ocr) ? [] : [`    extra_body={"ocr": ${options}},`]),
    ')',
    'for chunk in stream:',
    '    for choice in chunk.choices:',
    '        print(choice.delta.content or "", end="", flush=True)',
    '',
  ].join('\n')
}

function typescriptSample({ baseUrl, model, files, ocr, hasKey }: SampleRequest): string {
  const hasPassword = ocr['password'] !== undefined
  const options = scriptValue({ ...ocr, ...(hasPassword ? { password: HOLE } : {}) }).replace(
    `'${HOLE}'`,
    `process.env['${PASSWORD}']`,
  )
  const key = hasKey ? `process.env['OPENAI_API_KEY']` : `'none'`
  return [
    `import { readFile } from 'node:fs/promises'`,
    `import OpenAI from 'openai'`,
    '',
    `const client = new OpenAI({ baseURL: ${scriptText(baseUrl)}, apiKey: ${key} })`,
    '',
    'async function document(name: string, mediaType: string) {',
    `  const data = await readFile(name, 'base64')`,
    "  return { type: 'file' as const, file: { filename: name, file_data: `data:${mediaType};base64,${data}` } }",
    '}',
    '',
    // In a variable of its own, because the client's types do not know `ocr`.
    'const request = {',
    `  model: ${scriptText(model)},`,
    '  stream: true as const,',
    '  messages: [{',
    `    role: 'user' as const,`,
    '    content: [',
    ...files.map(({ name, mediaType }) => `      await document(${scriptText(name)}, ${scriptText(mediaType)}),`),
    '    ],',
    '  }],',
    ...(isEmpty(ocr) ? [] : [`  ocr: ${options},`]),
    '}',
    'for await (const chunk of await client.chat.completions.create(request)) {',
    `  process.stdout.write(chunk.choices[0]?.delta.content ?? '')`,
    '}',
    '',
  ].join('\n')
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0

/** A string of JSON is one of JavaScript's and of Python's. */
const text = (value: string): string => JSON.stringify(value)

/** In the quotation marks of the code around it, where nothing in it needs others. */
const scriptText = (value: string): string => {
  const json = text(value)
  return /['\\]/.test(json) ? json : `'${json.slice(1, -1)}'`
}

/** JSON as JavaScript, on one line with room to breathe; a key named `__proto__` stays a key. */
function scriptValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(scriptValue).join(', ')}]`
  if (typeof value === 'string') return scriptText(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  if (members.length === 0) return '{}'
  return `{ ${members.map(([name, member]) => `${scriptKey(name)}: ${scriptValue(member)}`).join(', ')} }`
}

const scriptKey = (name: string): string =>
  name === '__proto__' ? '["__proto__"]' : /^[A-Za-z_$][\w$]*$/.test(name) ? name : text(name)

/** JSON as Python. */
function pythonValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonValue).join(', ')}]`
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([name, member]) => `${text(name)}: ${pythonValue(member)}`).join(', ')}}`
}
