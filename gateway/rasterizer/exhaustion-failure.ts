import { GatewayError } from '../errors.ts'
import type { Task } from './messages.ts'

// The failures of tasks that exhausted a drawer: its time, its memory, or itself.

/** Makes the failure of a task that took longer than it may. */
export function tookTooLong(task: Task, seconds: number): GatewayError {
  if (task.type === 'open') {
    const message = `Opening the document took longer than ${seconds} s. It is damaged or built to be slow: save it anew, or split it.`
    return new GatewayError('document_unreadable', message, { kind: 'exhausted' })
  }
  const message = `Page ${task.page} took longer than ${seconds} s to draw. Simplify it, or leave it out with ocr.pages.`
  return new GatewayError('page_timeout', message, { kind: 'exhausted' })
}

/** Makes the failure of a task that took more memory than it may, in bytes. */
export function tookTooMuch(task: Task, maxBytes: number): GatewayError {
  const limit = `more than ${Math.round(maxBytes / 2 ** 20)} MB of memory`
  if (task.type === 'open') {
    const message = `Opening the document takes ${limit}. It is damaged or built to take much: save it anew, or split it.`
    return new GatewayError('document_unreadable', message, { kind: 'exhausted' })
  }
  const message = `Drawing page ${task.page} takes ${limit}. Simplify it, send it at a lower resolution, or leave it out with ocr.pages.`
  return new GatewayError('page_too_large', message, { kind: 'exhausted' })
}

/** Makes the failure of a task that broke its drawer. `cause` is for the log. */
export function brokeDrawer(task: Task, cause: unknown): GatewayError {
  const what = task.type === 'open' ? 'The document could not be opened' : `Page ${task.page} could not be drawn`
  const message = `${what}: it broke the program that draws pages, or needs more memory than one page may take. Save it anew, or split it.`
  return new GatewayError('document_unreadable', message, { cause, kind: 'exhausted' })
}
