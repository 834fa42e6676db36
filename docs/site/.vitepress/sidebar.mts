import { readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'

/** An entry, as VitePress takes it. */
export interface SidebarItem {
  text: string
  link?: string
  collapsed?: boolean
  items?: SidebarItem[]
}

const root = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const GROUP = /^For those who (?<who>.+):$/
/** `- [page.md](page.md): what it is about`, and deeper `- [Title](decisions/page.md)`. */
const ENTRY = /^(?<indent> *)- \[(?<text>[^\]]+)\]\((?<path>[^)#]+\.md)\)/

/** Makes the sidebar of docs/README.md: its groups, its order, and the titles of its pages. */
export function sidebar(): SidebarItem[] {
  const groups: SidebarItem[] = []
  const decisions: SidebarItem = { text: 'Decisions', collapsed: true, items: [] }
  for (const line of read('docs/README.md').split('\n')) {
    const who = GROUP.exec(line)?.groups?.['who']
    if (who !== undefined) groups.push({ text: `For those who ${who}`, items: [] })
    const entry = ENTRY.exec(line)?.groups
    if (entry === undefined) continue
    const path = normalize(`docs/${entry['path']}`)
    const item = { text: titleOf(path), link: `/${path.replace(/README\.md$/, '').replace(/\.md$/, '')}` }
    if (entry['indent'] === '') groups.at(-1)?.items?.push(item)
    else decisions.items?.push(item)
  }
  return [...groups, decisions]
}

/** Returns the heading of a page, without the marks of code. */
export function titleOf(path: string): string {
  const title = /^# (.+)$/m.exec(read(path))?.[1]
  if (title === undefined) throw new Error(`${path} has no heading`)
  return title.replaceAll('`', '')
}
