import ipaddr from 'ipaddr.js'
import { z } from 'zod'

/** One environment variable: its rule, and the sentence that `docs/configuration.md` prints for it. */
interface Variable<T> {
  readonly rule: z.ZodType<T, string | undefined>
  /** The text of the column "default". */
  readonly defaultText: string
  readonly meaning: string
}

const integer = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))

/** The longest that a timer of Node runs, 24 days; one that is told more fires at once. */
const MAX_SECONDS = 2_147_483

const seconds = (min: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'must be a number of seconds')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(MAX_SECONDS, `must be at most ${MAX_SECONDS}`))

const share = z
  .string()
  .regex(/^(0?\.\d+|1(\.0+)?|0)$/, 'must be a share from 0 to 1, such as 0.9')
  .transform(Number)
  .pipe(z.number().positive('must be above 0'))

const boolean = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true')

const oneOf = <const T extends string>(values: readonly T[]) => z.enum(values, `must be one of ${values.join(', ')}`)

const url = (protocols: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be a URL beginning with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  })

/** ioredis decodes the name and the password, and throws what nobody understands at a stray "%". */
const isDecodable = (text: string): boolean => {
  const { username, password } = new URL(text)
  try {
    return [username, password].every((part) => typeof decodeURIComponent(part) === 'string')
  } catch {
    return false
  }
}

const redisUrl = url(['redis:', 'rediss:'])
  // The message never repeats the URL: it holds a password.
  .refine((text) => !URL.canParse(text) || isDecodable(text), {
    error: 'must have its user name and password percent-encoded: a "%" in them is "%25"',
  })
  .refine((text) => !URL.canParse(text) || /^\/?\d*$/.test(new URL(text).pathname), {
    error: 'must end in the number of a database, or in none: redis://host:6379/0',
  })

const list = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

const MEBIBYTE = 1024 * 1024

/** An API key, and its name in logs and metrics. */
export interface ApiKey {
  readonly name: string
  readonly key: string
}

const apiKeys = z.string().transform((text, context): ApiKey[] => {
  const keys = list(text).map((item) => {
    const colon = item.indexOf(':')
    return { name: item.slice(0, Math.max(0, colon)), key: item.slice(colon + 1) }
  })
  // The message never repeats the text: it holds secrets.
  if (keys.some(({ name, key }) => !/^[\w.-]{1,64}$/.test(name) || key === ''))
    context.addIssue('must be name:key,name:key, with names of letters, digits, "_", "." and "-"')
  // Headers are bytes of no declared encoding, and clients refuse to send most of the others.
  if (keys.some(({ key }) => !/^[\x20-\x7e]*$/.test(key)))
    context.addIssue('must have keys of printable ASCII alone: others cannot be sent in a header')
  if (new Set(keys.map(({ name }) => name)).size < keys.length) context.addIssue('must not use a name twice')
  return keys
})

/** Addresses with the length of their network, those of one host included. */
const networks = z.string().transform((text, context): string[] =>
  list(text).map((item) => {
    const cidr = networkOf(item)
    if (cidr === null) context.addIssue('must be networks such as 10.0.0.0/8 or fd00::/8, or single addresses')
    return cidr ?? ''
  }),
)

function networkOf(text: string): string | null {
  const [address = '', length, more] = text.split('/')
  // Shorter forms, octal and hexadecimal ones mean different things to different readers.
  const isAddress =
    ipaddr.IPv4.isValidFourPartDecimal(address) || (address.includes(':') && ipaddr.IPv6.isValid(address))
  if (more !== undefined || !isAddress) return null
  const most = address.includes(':') ? 128 : 32
  if (length === undefined) return `${address}/${most}`
  return /^\d{1,3}$/.test(length) && Number(length) <= most ? text : null
}

/** The shortest that HS256 allows (RFC 7518, 3.2): shorter secrets can be found out from a token. */
const MIN_JWT_SECRET_BYTES = 32

const jwtSecret = z
  .string()
  // The message never repeats the text.
  .refine((text) => Buffer.byteLength(text) >= MIN_JWT_SECRET_BYTES, {
    error: `must have at least ${MIN_JWT_SECRET_BYTES} bytes: openssl rand -hex 32 makes one`,
  })

const origins = z.string().transform((text, context): string[] =>
  list(text).map((item) => {
    const origin = originOf(item)
    if (origin === null) context.addIssue('must be origins such as https://app.example.com, or *')
    return origin ?? ''
  }),
)

/** Returns an origin as browsers write it; null for what is none. */
function originOf(text: string): string | null {
  if (text === '*' || text === 'null') return text
  if (!URL.canParse(text)) return null
  const { origin, protocol, host, pathname, search, hash } = new URL(text)
  if (host === '' || !['', '/'].includes(pathname) || search !== '' || hash !== '') return null
  // Of other schemes, such as an app's or an extension's own, the standard knows no origin.
  return origin === 'null' ? `${protocol}//${host}` : origin
}

const modelProfiles = z.string().transform((text, context): ReadonlyMap<string, string> => {
  const pairs = list(text).map((item) => {
    // The last "=" separates the served name from the profile's id.
    const equals = item.lastIndexOf('=')
    return [item.slice(0, Math.max(0, equals)).trim(), item.slice(equals + 1).trim()] as const
  })
  if (pairs.some(([name, profile]) => name === '' || profile === ''))
    context.addIssue('must be served-model-name=profile,served-model-name=profile')
  return new Map(pairs)
})

/** A host of which documents may be downloaded though it is private. */
interface AllowedUrlHost {
  /** As URLs write it: in lower case, punycode, IPv6 in brackets. */
  readonly host: string
  /** Whether it stands for all hosts below it, and not for itself. */
  readonly isSuffix: boolean
  /** Null: any port. */
  readonly port: number | null
}

const urlHosts = z.string().transform((text, context): AllowedUrlHost[] =>
  list(text).map((item) => {
    const host = urlHostOf(item)
    if (host === null)
      context.addIssue(
        'must be hosts such as files.example.com, 10.0.0.5:9000, [fd00::5] or *.example.com, without a scheme or path',
      )
    return host ?? { host: '', isSuffix: false, port: null }
  }),
)

function urlHostOf(text: string): AllowedUrlHost | null {
  const [, star = '', name = '', port = null] = /^(\*\.)?(.+?)(?::(\d{1,5}))?$/.exec(text) ?? []
  const url = URL.parse(`http://${name}`)
  // A scheme, a path, a user name: what is more than a host would be heeded in part.
  if (url === null || /[/?#@\\:*]/.test(name.replace(/^\[.*\]$/, ''))) return null
  if (port !== null && (Number(port) < 1 || Number(port) > 65_535)) return null
  return { host: url.hostname.replace(/\.$/, ''), isSuffix: star !== '', port: port === null ? null : Number(port) }
}

const webhookUrl = url(['http:', 'https:'])
  // The message never repeats the URL: its path may be a secret.
  .refine((text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''), {
    error: 'must hold no user name and no password: the signature says who sends',
  })
  .transform((text) => new URL(text))

const gotenbergUrl = url(['http:', 'https:'])
  // The message never repeats the URL: it may hold a password.
  .refine((text) => !URL.canParse(text) || (isDecodable(text) && new URL(text).search === ''), {
    error: 'must hold no query, and have a "%" in its user name and password written as "%25"',
  })
  .transform((text) => new URL(text))

const SAMPLES_KEY_BYTES = 32

// The message never repeats the text.
const samplesKey = z
  .string()
  .refine((text) => Buffer.from(text, 'base64').length === SAMPLES_KEY_BYTES && /^[A-Za-z0-9+/]{43}=$/.test(text), {
    error: 'must be 32 bytes in base64: openssl rand -base64 32 makes them',
  })

const MIN_SECRET_BYTES = 24
const MAX_SECRET_BYTES = 64

// Receivers decode what follows `whsec_`, and not all of them leniently.
function isWebhookSecret(text: string): boolean {
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  const bytes = Buffer.from(base64, 'base64')
  return bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES && bytes.toString('base64') === base64
}

const webhookSecrets = z
  .string()
  .transform(list)
  // The message never repeats the text.
  .refine((secrets) => secrets.every(isWebhookSecret), {
    error: `must be whsec_ and ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes in base64: echo "whsec_$(openssl rand -base64 32)" makes one`,
  })

/** How pages may be answered without a GPU; each needs the one before it. */
type EasyPages = 'text-layer' | 'tesseract'

const easyPages = oneOf(['off', 'text-layer', 'text-layer,tesseract']).transform(
  (text) => (text === 'off' ? [] : text.split(',')) as EasyPages[],
)

const withDefault = <T>(rule: z.ZodType<T, string>, value: T): z.ZodType<T, string | undefined> =>
  z.union([z.undefined().transform(() => value), rule]) as z.ZodType<T, string | undefined>

const define = <T>(rule: z.ZodType<T, string>, value: T, defaultText: string, meaning: string): Variable<T> => ({
  rule: withDefault(rule, value),
  defaultText,
  meaning,
})

/** Every environment variable that the gateway reads. No other file reads any. */
export const variables = {
  GATEWAY_HOST: define(z.string(), '127.0.0.1', '`127.0.0.1`', 'Address to listen on.'),
  GATEWAY_PORT: define(
    integer(0, 65535),
    8080,
    '`8080`',
    'Port to listen on; `0` picks a free one, and the start line says which.',
  ),
  GATEWAY_UPSTREAM_URLS: define(
    z
      .string()
      .transform(list)
      .pipe(z.array(url(['http:', 'https:']))),
    [],
    'none',
    'Comma-separated OpenAI-compatible base URLs, `http://vllm:8000/v1`. What each serves is discovered from its `/models`. None: the embedded engine answers.',
  ),
  GATEWAY_UPSTREAM_API_KEY: define<string | null>(z.string(), null, 'none', 'Bearer key that the upstreams ask for.'),
  GATEWAY_UPSTREAM_CONCURRENCY: define<number | null>(
    integer(1, 100_000),
    null,
    'found out',
    'Pages in flight at each upstream, those of all replicas that share `GATEWAY_REDIS_URL` together. Unset: the gateway finds out how many bring the most pages per second.',
  ),
  GATEWAY_MAX_KV_CACHE_USAGE: define<number | null>(
    share,
    null,
    'none',
    'Share of its KV cache, such as `0.9`, from which on an upstream is sent no more pages while it has any, until it has fallen by a tenth; as vLLM says on its `/metrics`, asked every second. One that says nothing is sent pages all the same.',
  ),
  GATEWAY_UPSTREAM_PATIENCE_SECONDS: define(
    seconds(0),
    10,
    '`10`',
    'How long pages wait when no upstream serves their model any more; then they fail, and requests are refused, until one does.',
  ),
  GATEWAY_FIRST_TOKEN_TIMEOUT_SECONDS: define(
    seconds(0.1),
    120,
    '`120`',
    "From asking an upstream for a page to the first sign of an answer, the upstream's own queue included; never more than a third of the page's time. Then the page is asked for again.",
  ),
  GATEWAY_IDLE_TIMEOUT_SECONDS: define(
    seconds(0.1),
    60,
    '`60`',
    "Between two signs of an answer; never more than a third of the page's time. Then the page is asked for again.",
  ),
  GATEWAY_MAX_QUEUED_PAGES: define(
    integer(1),
    10_000,
    '`10000`',
    'Pages of all requests that are not read yet. A request that would bring more is refused with 429; one of any size is taken when there are none.',
  ),
  GATEWAY_MODEL_PROFILES: define<ReadonlyMap<string, string>>(
    modelProfiles,
    new Map(),
    'none',
    'Pins served models to profiles: `my-ocr=lightonocr-2,llama=none`. `none` marks a model as no OCR model, whose requests pass through. Unpinned models are recognized by name.',
  ),
  GATEWAY_ESCALATION_MODEL: define<string | null>(
    z.string(),
    null,
    'none',
    'The served model that hard pages of `model: "auto"` go to: those that the first model cannot read, or whose text layer says something else. Also the second reader for `ocr.verify: true`.',
  ),
  GATEWAY_AUTO_EASY_PAGES: define<readonly EasyPages[]>(
    easyPages,
    [],
    '`off`',
    'How easy pages of `model: "auto"` may be answered without a GPU: `text-layer`, from a text layer that can be trusted, where the page is plain print in one column; `text-layer,tesseract`, by Tesseract too, where it is sure of such a page. `off`: not at all.',
  ),
  GATEWAY_TEXT_CHATS: define(
    oneOf(['forward', 'refuse']),
    'forward',
    '`forward`',
    'Chats without a document that name an OCR model, such as the prompts with which Open WebUI asks for titles and tags: `forward` passes them to the model, behind pages that wait; `refuse` answers 400. Models marked `none` always chat.',
  ),
  GATEWAY_TEXT_CHAT_MAX_TOKENS: define<number | null>(
    integer(1),
    null,
    'none',
    'The most tokens that such a chat may ask for: `max_tokens` and `max_completion_tokens` are lowered to it, or set. Unset: they stay as they are.',
  ),
  GATEWAY_REDIS_URL: define<string | null>(
    redisUrl,
    null,
    'none',
    'Redis for what replicas share: the cache, and what is known of files. None: in this process, and in `GATEWAY_DATA_DIR`.',
  ),
  GATEWAY_CACHE_TTL_SECONDS: define(integer(1), 30 * 86400, '`2592000`', 'How long a page answer is kept.'),
  GATEWAY_CACHE_MAX_BYTES: define(
    integer(0),
    256 * MEBIBYTE,
    '`268435456`',
    'Size of the in-memory cache; Redis has its own `maxmemory`.',
  ),
  GATEWAY_CACHE_MAX_VALUE_BYTES: define(integer(1), MEBIBYTE, '`1048576`', 'A larger page answer is not cached.'),
  GATEWAY_CACHE_SCOPE: define(
    oneOf(['shared', 'key']),
    'shared',
    '`shared`',
    'Who finds a cached page answer: `shared`, every API key; `key`, only the key that had the page read, by its name.',
  ),
  GATEWAY_CACHE_SALT: define<string | null>(
    z.string(),
    null,
    'none',
    'A secret that goes into every cache key: only gateways with the same salt find the answers. Changing it empties the cache.',
  ),
  GATEWAY_API_KEYS: define<readonly ApiKey[]>(
    apiKeys,
    [],
    'none',
    '`name:key,name:key`, in printable ASCII. With none, the gateway refuses to listen on a non-loopback address unless `GATEWAY_ALLOW_ANONYMOUS=true`.',
  ),
  GATEWAY_KEYS_FILE: define<string | null>(
    z.string(),
    null,
    'none',
    'JSON file of API keys, and what each may: [access.md](access.md#the-keys-file). It is read again when it changes.',
  ),
  GATEWAY_JWT_JWKS_URL: define<URL | null>(
    url(['http:', 'https:']).transform((text) => new URL(text)),
    null,
    'none',
    'Where the issuer of bearer tokens (JWT) publishes its keys: [access.md](access.md#tokens).',
  ),
  GATEWAY_JWT_SECRET: define<string | null>(
    jwtSecret,
    null,
    'none',
    'In place of it, the secret that signs the tokens (HS256, HS384, HS512); 32 bytes at least.',
  ),
  GATEWAY_JWT_ISSUER: define<string | null>(z.string(), null, 'any', 'The `iss` that tokens must have.'),
  GATEWAY_JWT_AUDIENCE: define<string | null>(z.string(), null, 'any', 'The `aud` that tokens must have.'),
  GATEWAY_ALLOWED_IPS: define<readonly string[]>(
    networks,
    [],
    'all',
    'Comma-separated networks, `10.0.0.0/8,fd00::/8`, whose clients are answered; others get 403. `/health` answers everybody, and `/ready` says everybody whether it is.',
  ),
  GATEWAY_TRUSTED_PROXIES: define<readonly string[]>(
    networks,
    [],
    'none',
    'Networks of the proxies in front, whose `X-Forwarded-For` is believed: the client is the last address in it that is none of theirs.',
  ),
  GATEWAY_METRICS_PORT: define<number | null>(
    integer(0, 65535),
    null,
    'that of the gateway',
    'A port of its own for `/metrics`, `/status` and the details of `/ready`, which the other one has no more.',
  ),
  GATEWAY_METRICS_KEY: define<string | null>(
    z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks'),
    null,
    'none',
    'Bearer key that `/metrics` and the details of `/ready` ask for, on either port; and `/status`, where there are no keys.',
  ),
  GATEWAY_ALLOW_ANONYMOUS: define(boolean, false, '`false`', 'Whether to listen on a network without API keys.'),
  GATEWAY_CORS_ORIGINS: define<readonly string[]>(
    origins,
    [],
    'none',
    'Comma-separated origins, `https://app.example.com`, whose pages may call the gateway from browsers; `*`: all.',
  ),
  GATEWAY_KEEP_ALIVE_SECONDS: define(
    seconds(1),
    75,
    '`75`',
    'How long a connection is kept on which nothing is asked. It must be longer than load balancers in front keep theirs.',
  ),
  GATEWAY_MAX_CONNECTIONS: define(
    integer(1, 1_000_000),
    10_000,
    '`10000`',
    'Client connections at a time. At the limit the one that has been idle longest is closed; where all are at work, a new one gets a 429.',
  ),
  GATEWAY_DATA_DIR: define(
    z.string(),
    './data',
    '`./data`',
    'Folder of uploaded files, and of what must survive a restart. It is made when it is first needed.',
  ),
  GATEWAY_SHARED_DIR: define<string | null>(
    z.string(),
    null,
    'none',
    'Folder of the bytes of files and batches where they are not to be in `GATEWAY_DATA_DIR`: one that gateways on several machines share.',
  ),
  GATEWAY_S3_BUCKET: define<string | null>(
    z.string(),
    null,
    'none',
    'Bucket of the bytes of files and batches, in S3 or a storage that speaks its language. Keys and region are those of the AWS SDK: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, a role. None: a folder.',
  ),
  GATEWAY_S3_ENDPOINT: define<string | null>(
    url(['http:', 'https:']),
    null,
    'none',
    'Address of the storage, `http://minio:9000`; it is asked for `/bucket/key`. None: AWS.',
  ),
  GATEWAY_S3_PREFIX: define<string>(
    z.string().regex(/^([\w-][\w.-]*\/)*$/, 'must be names that end in a slash each: ocr/'),
    '',
    'none',
    'Begins the names of all objects in the bucket.',
  ),
  GATEWAY_FILE_TTL_SECONDS: define(
    integer(60, 10 * 365 * 86_400),
    30 * 86_400,
    '`2592000`',
    'How long an uploaded file is kept; a client may ask for less.',
  ),
  GATEWAY_MAX_STORED_BYTES: define(
    integer(0),
    20 * 1024 * MEBIBYTE,
    '`21474836480`',
    'What uploaded files take together; with several API keys, none of them takes more than three quarters. What is beyond is refused with 507.',
  ),
  GATEWAY_MAX_BODY_BYTES: define(
    integer(1),
    200 * MEBIBYTE,
    '`209715200`',
    'A larger request body is refused with 413 before it is read whole. Uploads of files have their own limit, 512 MiB.',
  ),
  GATEWAY_MAX_BUFFERED_BYTES: define(
    integer(1),
    640 * MEBIBYTE,
    '`671088640`',
    'Memory that the bodies of all requests, and documents that are downloaded or converted, take together, until the documents are open; at least what one of them may take. One for which there is no room waits, and is refused with 429 after 20 seconds.',
  ),
  GATEWAY_BODY_IDLE_SECONDS: define(
    seconds(1),
    30,
    '`30`',
    'How long a request body may stand still, or bring less than 1 KB per second, before it is refused with 408; and how long the client of a download of a file may take nothing of it, before its connection is ended.',
  ),
  GATEWAY_MAX_DOCUMENT_BYTES: define(
    integer(1),
    100 * MEBIBYTE,
    '`104857600`',
    'A larger document is refused with 413.',
  ),
  GATEWAY_ALLOW_URLS: define(
    boolean,
    false,
    '`false`',
    'Whether documents may be sent as `http:` and `https:` addresses, which the gateway then downloads. Private addresses never may, unless listed in `GATEWAY_ALLOWED_URL_HOSTS`.',
  ),
  GATEWAY_ALLOWED_URL_HOSTS: define<readonly AllowedUrlHost[]>(
    urlHosts,
    [],
    'none',
    'Comma-separated hosts that may be private, for documents and for the webhook: `files.example.com`, `10.0.0.5:9000`, `[fd00::5]`, `*.example.com` for all below it. With a port, that port alone. Link-local addresses and those of cloud metadata never may.',
  ),
  GATEWAY_GOTENBERG_URL: define<URL | null>(
    gotenbergUrl,
    null,
    'none',
    'A Gotenberg, `http://gotenberg:3000`, that turns Office documents, HTML and the text of mail into PDF: [office-documents.md](office-documents.md). None: they are refused.',
  ),
  GATEWAY_WEBHOOK_URL: define<URL | null>(
    webhookUrl,
    null,
    'none',
    'Where it is told that a batch or a background response has ended. `https:`, and of a public address; any other host must be listed in `GATEWAY_ALLOWED_URL_HOSTS`.',
  ),
  GATEWAY_WEBHOOK_SECRET: define<readonly string[]>(
    webhookSecrets,
    [],
    'none',
    'What signs that: `whsec_` and 24 to 64 random bytes in base64. Several, with commas between them, all sign, so that a receiver can change from one to the next.',
  ),
  GATEWAY_MAX_IMAGE_PIXELS: define(
    integer(1),
    178_956_970,
    '`178956970`',
    'An image document of more pixels is refused before it is decoded.',
  ),
  GATEWAY_MAX_PAGES: define(integer(1), 2000, '`2000`', 'Pages of one request.'),
  GATEWAY_LOOKAHEAD: define(
    integer(1, 10_000),
    64,
    '`64`',
    'Pages of one request at the engines at a time; half as many more are drawn meanwhile, and twenty times as many may have been read and wait for those before them.',
  ),
  GATEWAY_PAGE_TIMEOUT_SECONDS: define(
    seconds(1),
    600,
    '`600`',
    'One page, engine attempts included; and one conversion of an Office document, its wait for others included.',
  ),
  GATEWAY_RASTERIZE_TIMEOUT_SECONDS: define(seconds(0.1), 60, '`60`', 'Drawing one page, or opening one document.'),
  GATEWAY_RASTERIZE_THREADS: define<number | null>(
    integer(1, 1024),
    null,
    'one per core',
    'Pages that are drawn at a time, each in a process of its own. Slow and large ones are drawn beside them.',
  ),
  GATEWAY_RASTERIZE_MEMORY_MEGABYTES: define(
    integer(128, 65_536),
    576,
    '`576`',
    'Memory that drawing one page, or opening one document, may take. What needs more fails. One page at a time may take more than 288.',
  ),
  GATEWAY_TESSERACT_THREADS: define<number | null>(
    integer(1, 1024),
    null,
    'one per core',
    'Threads of the embedded engine.',
  ),
  GATEWAY_RASTERIZER: define(
    oneOf(['auto', 'pdfium', 'pdfjs']),
    'auto',
    '`auto`',
    'What draws PDF pages: `pdfium`, `pdfjs`, or `auto`: PDFium, with a shortcut for scans, and pdf.js for what PDFium cannot draw.',
  ),
  GATEWAY_PAGE_IMAGE: define<'png' | 'jpeg' | null>(
    oneOf(['png', 'jpeg']),
    null,
    'as the profile says',
    'How page images are encoded for the engines: `png`, or `jpeg` of quality 95. Most profiles say `png`; those whose authors send JPEG say `jpeg`.',
  ),
  GATEWAY_SAMPLES_DIR: define<string | null>(
    z.string(),
    null,
    'none',
    'Folder in which pages that were hard to read are kept, with their images and answers, to learn from: [samples.md](samples.md). None: nothing is kept.',
  ),
  GATEWAY_SAMPLES_RATE: define(share, 1, '`1`', 'The share of those pages that is kept.'),
  GATEWAY_SAMPLES_MAX_MB: define(
    integer(1, 1_000_000),
    1024,
    '`1024`',
    'What they take together, in MiB; the oldest make room.',
  ),
  GATEWAY_SAMPLES_KEY: define<string | null>(
    samplesKey,
    null,
    'none',
    'What they are encrypted with: 32 bytes in base64. None: they are not.',
  ),
  GATEWAY_SAMPLES_KEY_FILE: define<string | null>(z.string(), null, 'none', 'In place of it, a file that holds it.'),
  GATEWAY_DRAIN_SECONDS: define(
    seconds(0),
    30,
    '`30`',
    'How long SIGTERM lets running requests finish before they are cut.',
  ),
  GATEWAY_LOG_LEVEL: define(
    oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    'info',
    '`info`',
    'Least severe line that is logged.',
  ),
  GATEWAY_LOG_FORMAT: define(oneOf(['json', 'pretty']), 'json', '`json`', '`pretty` for people.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: define<string | null>(
    url(['http:', 'https:']),
    null,
    'none',
    'Collector of OpenTelemetry traces, `http://collector:4318`; it is sent protobuf over HTTP to `/v1/traces` below it. None: nothing is traced. OpenTelemetry’s other names work as well: [observing.md](operating/observing.md#traces).',
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: define<string | null>(
    url(['http:', 'https:']),
    null,
    'none',
    'The same, with its whole path.',
  ),
  OTEL_SDK_DISABLED: define(
    z.string().transform((text) => text.toLowerCase() === 'true'),
    false,
    '`false`',
    'Whether nothing is traced all the same.',
  ),
  OTEL_SERVICE_NAME: define<string | null>(z.string(), null, '`ocr-gateway`', 'What traces call the gateway.'),
} satisfies Record<string, Variable<unknown>>

/** The name of an environment variable of the gateway. */
export type VariableName = keyof typeof variables

/** The parsed value of each variable. */
export type VariableValues = { readonly [Name in VariableName]: z.output<(typeof variables)[Name]['rule']> }
