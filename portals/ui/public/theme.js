// Runs before the first paint: without it a dark screen would flash white. A file of its own, because the
// content security policy allows no inline script. Reads the same names as src/settings.ts.
(() => {
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem('psa.theme');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    const language = localStorage.getItem('psa.language');
    if (language === 'de' || language === 'en') root.lang = language;
  } catch {
    // Storage denied: the system's theme and the page's own language hold.
  }
})();
