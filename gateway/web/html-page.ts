/** A page that a bundle of gateway/web/app fills. */
export interface PageFacts {
  readonly title: string
  readonly description: string
  /** Addresses, relative to the page. */
  readonly icon: string
  readonly scripts: readonly string[]
  readonly styles: readonly string[]
  readonly readsOffice: boolean
}

/** What a page may load and do: files of the gateway's own, and pictures that it has made itself. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Writes a page. Addresses are relative, so that a proxy may serve the gateway under a path of its own. */
export function htmlPage({ title, description, icon, scripts, styles, readsOffice }: PageFacts): string {
  const links = [
    `<link rel="icon" type="image/svg+xml" href="${escaped(icon)}">`,
    ...styles.map((style) => `<link rel="stylesheet" href="${escaped(style)}">`),
    ...scripts.map((script) => `<script type="module" src="${escaped(script)}"></script>`),
  ]
  return document(
    title,
    `<meta name="description" content="${escaped(description)}">\n${links.join('\n')}`,
    `<div id="root"${readsOffice ? ' data-office' : ''}></div>\n<noscript><p>This page needs JavaScript. The API does not: see <code>docs/api.md</code>, or run <code>npx ocr FILE</code>.</p></noscript>`,
  )
}

/** Writes the page that stands in for one whose bundle is missing. */
export function missingPage(title: string): string {
  return document(
    title,
    '',
    '<h1>This page is not built</h1>\n<p>The files that browsers load are missing in <code>gateway/web/built</code>. ' +
      'Run <code>npm run web</code>, and load this page again. The API works without them.</p>',
  )
}

function document(title: string, head: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escaped(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#ffffff" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#16181b" media="(prefers-color-scheme: dark)">
${head}
</head>
<body>
${body}
</body>
</html>
`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (sign) => ESCAPES[sign] ?? sign)
}
