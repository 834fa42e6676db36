// Fills /docs: the description of the gateway, and requests of it that can be tried. What the page asks for comes from this gateway.
// oxlint-disable-next-line import/no-unassigned-import -- it is a script, which sets a global
import './scalar.js'

const CSS = `
  :root { --scalar-font: system-ui, sans-serif; --scalar-font-code: ui-monospace, monospace; }
`

// Relative, so that a proxy may serve the gateway under a path of its own.
const root = new URL('..', import.meta.url)

globalThis.Scalar.createApiReference('#root', {
  url: new URL('openapi.json', root).href,
  baseServerURL: root.href.replace(/\/$/, ''),
  // Nothing is told or asked elsewhere.
  telemetry: false,
  withDefaultFonts: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: 'never',
  hideClientButton: true,
  // A key is kept in this page alone.
  persistAuth: false,
  authentication: { preferredSecurityScheme: 'bearer' },
  documentDownloadType: 'json',
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
  hiddenClients: {
    c: true,
    clojure: true,
    csharp: true,
    dart: true,
    fsharp: true,
    go: true,
    http: true,
    java: true,
    kotlin: true,
    objc: true,
    ocaml: true,
    php: true,
    powershell: true,
    r: true,
    ruby: true,
    rust: true,
    swift: true,
  },
  modelsSectionLabel: 'Schemas',
  customCss: CSS,
})
