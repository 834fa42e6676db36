import { isIP } from 'node:net'
import { variables, type VariableName, type VariableValues } from './variables.ts'

/** The whole configuration, frozen. Only `services.ts` and `main.ts` see it. */
export type Config = VariableValues

/** Tells whether whoever asks must say who they are. */
export function asksForKeys(config: Config): boolean {
  return config.GATEWAY_API_KEYS.length > 0 || config.GATEWAY_KEYS_FILE !== null || takesTokens(config)
}

/** Tells whether there may be several who ask, each with a name. */
export function hasSeveralCallers(config: Config): boolean {
  return config.GATEWAY_API_KEYS.length > 1 || config.GATEWAY_KEYS_FILE !== null || takesTokens(config)
}

function takesTokens({ GATEWAY_JWT_JWKS_URL: url, GATEWAY_JWT_SECRET: secret }: Config): boolean {
  return url !== null || secret !== null
}

/** The result of loading: a configuration, or every problem at once, one line each. */
export type LoadedConfig =
  | { readonly config: Config; readonly problems: readonly []; readonly warnings: readonly string[] }
  | { readonly config: null; readonly problems: readonly string[]; readonly warnings: readonly string[] }

/** Reads the environment into a Config. An empty variable counts as unset. */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): LoadedConfig {
  const problems: string[] = []
  const warnings = unknownNames(environment)
  const values: Record<string, unknown> = {}
  for (const [name, variable] of Object.entries(variables)) {
    const text = environment[name]?.trim()
    const result = variable.rule.safeParse(text === '' ? undefined : text)
    if (result.success) values[name] = result.data
    else problems.push(`${name} ${deepestMessage(result.error.issues)}`)
  }
  const config = Object.freeze(values) as unknown as Config
  if (problems.length === 0) problems.push(...combinationProblems(config))
  if (problems.length === 0) warnings.push(...combinationWarnings(config), ...protocolWarnings(config, environment))
  return problems.length === 0 ? { config, problems: [], warnings } : { config: null, problems, warnings }
}

interface Issue {
  readonly message: string
  readonly code?: string | undefined
  readonly errors?: readonly (readonly Issue[])[]
}

/**
 * Returns the helpful message: a union reports "invalid input", and keeps the message of the branch for a set variable.
 */
function deepestMessage(issues: readonly Issue[]): string {
  const issue = issues[0]
  if (issue === undefined) return 'is not valid'
  const branch = issue.errors?.at(-1)
  return branch === undefined ? issue.message : deepestMessage(branch)
}

// Unknown names are warnings: Kubernetes itself sets GATEWAY_SERVICE_HOST and the like for a service named `gateway`.
function unknownNames(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith('GATEWAY_') && !Object.hasOwn(variables, name))
    .map((name) => `${name} is not a setting of the gateway; docs/configuration.md lists them`)
}

function combinationProblems(config: Config): string[] {
  return [...listenProblems(config), ...tokenProblems(config), ...webhookProblems(config)]
}

function webhookProblems({ GATEWAY_WEBHOOK_URL: url, GATEWAY_WEBHOOK_SECRET: secrets }: Config): string[] {
  if (url === null || secrets.length > 0) return []
  return [
    'GATEWAY_WEBHOOK_SECRET must be set beside GATEWAY_WEBHOOK_URL: a receiver cannot trust what is not signed; echo "whsec_$(openssl rand -base64 32)" makes one',
  ]
}

function tokenProblems(config: Config): string[] {
  const { GATEWAY_JWT_JWKS_URL: url, GATEWAY_JWT_SECRET: secret } = config
  return url !== null && secret !== null
    ? [
        'GATEWAY_JWT_SECRET and GATEWAY_JWT_JWKS_URL are both set: tokens are signed with a secret, or with published keys',
      ]
    : []
}

function listenProblems(config: Config): string[] {
  const { GATEWAY_METRICS_PORT: metricsPort } = config
  if (metricsPort !== null && metricsPort !== 0 && metricsPort === config.GATEWAY_PORT)
    return ['GATEWAY_METRICS_PORT must be another port than GATEWAY_PORT']
  const name: VariableName = 'GATEWAY_API_KEYS'
  if (asksForKeys(config) || config.GATEWAY_ALLOW_ANONYMOUS || isLoopback(config.GATEWAY_HOST)) return []
  return [
    `${name}, GATEWAY_KEYS_FILE or GATEWAY_JWT_JWKS_URL must be set to listen on ${config.GATEWAY_HOST}, which is not a loopback address; GATEWAY_ALLOW_ANONYMOUS=true listens without keys all the same`,
  ]
}

function combinationWarnings(config: Config): string[] {
  const { GATEWAY_CACHE_SCOPE: scope } = config
  const { GATEWAY_ALLOW_URLS: areAllowed, GATEWAY_ALLOWED_URL_HOSTS: hosts } = config
  const { GATEWAY_WEBHOOK_URL: webhook, GATEWAY_WEBHOOK_SECRET: secrets } = config
  return [
    ...tokenWarnings(config),
    ...(scope === 'key' && !asksForKeys(config)
      ? ['GATEWAY_CACHE_SCOPE=key separates API keys, and GATEWAY_API_KEYS has none: all clients share one cache']
      : []),
    ...(hosts.length > 0 && !areAllowed && webhook === null
      ? ['GATEWAY_ALLOWED_URL_HOSTS has no effect without GATEWAY_ALLOW_URLS=true: no address is fetched']
      : []),
    ...(secrets.length > 0 && webhook === null
      ? ['GATEWAY_WEBHOOK_SECRET has no effect without GATEWAY_WEBHOOK_URL: nobody is told of anything']
      : []),
  ]
}

function tokenWarnings(config: Config): string[] {
  const { GATEWAY_JWT_ISSUER: issuer, GATEWAY_JWT_AUDIENCE: audience, GATEWAY_JWT_JWKS_URL: url } = config
  if (!takesTokens(config) && (issuer !== null || audience !== null))
    return [
      'GATEWAY_JWT_ISSUER and GATEWAY_JWT_AUDIENCE have no effect without GATEWAY_JWT_JWKS_URL or GATEWAY_JWT_SECRET',
    ]
  if (url !== null && audience === null)
    return ['GATEWAY_JWT_AUDIENCE is not set: tokens that the issuer has made for other services are taken, too']
  return []
}

const TAKEN_PROTOCOL = 'http/protobuf'

/** OpenTelemetry's own SDKs would send in another way. */
function protocolWarnings(config: Config, environment: Readonly<Record<string, string | undefined>>): string[] {
  if (collectorUrl(config) === null) return []
  const name = environment['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL' : 'OTEL_EXPORTER_OTLP_PROTOCOL' // prettier-ignore
  const protocol = environment[name]?.trim() || TAKEN_PROTOCOL
  if (protocol === TAKEN_PROTOCOL) return []
  return [
    `${name}=${protocol} has no effect: traces are sent as ${TAKEN_PROTOCOL}, which a collector takes on port 4318 and not on 4317`,
  ]
}

/** Returns the address that traces are sent to, as OpenTelemetry forms it; null: nothing is traced. */
export function collectorUrl(config: Config): string | null {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole, OTEL_EXPORTER_OTLP_ENDPOINT: base } = config
  if (config.OTEL_SDK_DISABLED) return null
  return whole ?? (base === null ? null : `${base.replace(/\/$/, '')}/v1/traces`)
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1' || host === '[::1]'
}
