// Runs before the first paint, so that a dark page is never white first. The app changes the same attribute later; a
// page without the app follows what the system says from here.
;(function () {
  var dark = matchMedia('(prefers-color-scheme: dark)')

  function show() {
    var chosen = null
    try {
      chosen = JSON.parse(localStorage.getItem('folkmoot.theme'))
    } catch (_) {
      chosen = null
    }
    if (chosen !== 'light' && chosen !== 'dark') {
      chosen = dark.matches ? 'dark' : 'light'
    }
    document.documentElement.dataset.theme = chosen
  }

  dark.addEventListener('change', show)
  show()
})()
