import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const server = 'http://127.0.0.1:8000'

export default defineConfig({
  plugins: [vue()],
  resolve: { alias: { '@': here('src') } },
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false', __VUE_I18N_LEGACY_API__: 'false', __VUE_I18N_FULL_INSTALL__: 'false', __INTLIFY_PROD_DEVTOOLS__: 'false' },
  server: {
    proxy: {
      '^/(api|connection)(/|$)': { target: server, ws: true },
    },
  },
  build: {
    outDir: here('../folkmoot/site'),
    emptyOutDir: true,
    // The oldest browsers that have the syntax and the APIs we rely on; newer CSS is written with a fallback.
    target: ['chrome87', 'edge88', 'firefox78', 'safari14.1'],
    // The content security policy has no place for data: fonts or scripts, and files of our own are few.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { index: here('index.html'), docs: here('docs.html') } },
  },
  test: {
    environment: 'jsdom',
    setupFiles: ['src/testing/setup.ts'],
    restoreMocks: true,
    // Files share one document and one set of modules: to make these anew for each took three quarters of the time. A
    // test that leaves something behind fails with `--sequence.shuffle`.
    isolate: false,
  },
})
