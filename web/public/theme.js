// Runs before the first paint, so that a dark page is never white first. The app changes the same attribute later.
;(function () {
  var chosen = null
  try {
    chosen = JSON.parse(localStorage.getItem('folkmoot.theme'))
  } catch (_) {
    chosen = null
  }
  if (chosen !== 'light' && chosen !== 'dark') {
    chosen = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  }
  document.documentElement.dataset.theme = chosen
})()
