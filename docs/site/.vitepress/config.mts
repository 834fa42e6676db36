// The docs as a site: the same Markdown that stands in the repository, with search. `npm run docs:site` builds it.
import { join } from 'node:path'
import { defineConfig } from 'vitepress'
import { githubAnchor, linkWithinSite } from './links.mts'
import { sidebar } from './sidebar.mts'

export default defineConfig({
  title: 'ocr-gateway',
  description: 'An OpenAI-compatible gateway that turns PDFs and images into Markdown',
  lang: 'en',
  // The root of the repository: pages lead to one another as they do there.
  srcDir: '../..',
  srcExclude: ['gateway/**', 'test/**', 'data/**', 'docs/site/**', '.*/**'],
  rewrites: { 'README.md': 'index.md', 'docs/README.md': 'docs/index.md', 'vllm/README.md': 'vllm/index.md' },
  // Addresses of examples lead nowhere; links to pages that are not there end the build.
  ignoreDeadLinks: [/^https?:\/\/(?:localhost|127\.0\.0\.1)/],
  metaChunk: true,
  // Pages are not below this folder, and find the packages of the site all the same.
  vite: {
    // Not the settings of the gateway's own code.
    esbuild: { tsconfigRaw: '{}' },
    resolve: {
      alias: [
        { find: /^vue\/server-renderer$/, replacement: inSite('vue/server-renderer/index.mjs') },
        { find: /^vue$/, replacement: inSite('vue/dist/vue.runtime.esm-bundler.js') },
      ],
    },
  },
  markdown: {
    anchor: { slugify: githubAnchor },
    config: ({ core }) => core.ruler.push('links-within-site', linkWithinSite),
  },
  themeConfig: {
    nav: [
      { text: 'Getting started', link: '/docs/getting-started' },
      { text: 'API', link: '/docs/api' },
      { text: 'Clients', link: '/docs/clients' },
      { text: 'All pages', link: '/docs/' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: 'local' },
    externalLinkIcon: true,
  },
})

function inSite(path: string): string {
  return join(import.meta.dirname, '../node_modules', path)
}
