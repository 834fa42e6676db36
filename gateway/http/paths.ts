import { getPath } from 'hono/utils/url'

/**
 * Returns the path that a request is routed and logged by: slashes that a base URL has left doubled or at the end do not
 * count. Escaped slashes do: they are part of a name.
 */
export function pathOf(request: Request): string {
  const path = getPath(request).replaceAll(/\/{2,}/g, '/')
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** Returns the route that a path misses only by its `/v1`, which it lacks or has twice; null where there is none. */
export function routeMissedByBase(path: string, routes: readonly { readonly path: string }[]): string | null {
  const meant = `/v1${path.replace(/^(?:\/v1)+(?=\/)/, '')}`
  const isRoute = routes.some(({ path: route }) => {
    const [prefix = '', parameter] = route.split(':')
    if (!prefix.startsWith('/v1/') || prefix.endsWith('*')) return false
    return meant === prefix || (parameter !== undefined && meant.startsWith(prefix))
  })
  return isRoute && meant !== path ? meant : null
}
