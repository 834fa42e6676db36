import { getPath } from 'hono/utils/url'

/**
 * Returns the path that a request is routed and logged by: slashes that a base URL has left doubled or at the end do not
 * count. Escaped slashes do: they are part of a name.
 */
export function pathOf(request: Request): string {
  const path = getPath(request).replaceAll(/\/{2,}/g, '/')
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** A route, as the app lists it; middleware is called `ALL`. */
export interface KnownRoute {
  readonly method: string
  readonly path: string
}

/** Says what is there instead of what was asked for: the same path with another method, or with `/v1` once; null: nothing alike. */
export function nearestRoute(path: string, routes: readonly KnownRoute[]): string | null {
  const methods = methodsOf(path, routes)
  if (methods.length > 0) return `It takes ${methods.join(' and ')}.`
  const meant = `/v1${path.replace(/^(?:\/v1)+(?=\/)/, '')}`
  if (methodsOf(meant, routes).length === 0) return null
  return path.startsWith('/v1/v1/')
    ? `Send it to ${meant}: this client adds /v1 itself, so its base URL must not end in /v1.`
    : `Send it to ${meant}: the base URL of this client must end in /v1.`
}

function methodsOf(path: string, routes: readonly KnownRoute[]): string[] {
  const found = routes.filter((route) => route.method !== 'ALL' && patternOf(route.path).test(path))
  return [...new Set(found.map(({ method }) => method))]
}

/** `:id` is one segment, `:id{.+}` any number of them. */
function patternOf(route: string): RegExp {
  const parts = route.split('/').map((part) => {
    if (!part.startsWith(':')) return part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    return part.endsWith('{.+}') ? '.+' : '[^/]+'
  })
  return new RegExp(`^${parts.join('/')}$`)
}
