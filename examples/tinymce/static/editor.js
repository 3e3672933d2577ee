// TinyMCE with one more button: Getty pictures, chosen in embedkit's page /picker.
//
// The page speaks TinyMCE's own messages ({mceAction: 'insertContent' | 'close', …}) to the origins that
// PICKER_ORIGINS lists. TinyMCE acts on them only if they come from the origin of the address opened here.

const { service, grant } = document.getElementById('body').dataset;
const dark = matchMedia('(prefers-color-scheme: dark)').matches;

tinymce.init({
  selector: '#body',
  license_key: 'gpl',
  base_url: '/tinymce',
  suffix: '.min',
  plugins: 'autolink code link lists',
  toolbar: 'undo redo | blocks | bold italic | bullist numlist | link getty | code',
  menubar: false,
  promotion: false,
  skin: dark ? 'oxide-dark' : 'oxide',
  content_css: dark ? 'dark' : 'default',
  height: 420,
  setup(editor) {
    editor.ui.registry.addButton('getty', {
      icon: 'gallery',
      tooltip: 'Insert a Getty picture',
      onAction: () => openPicker(editor),
    });
  },
});

// The grant stands after the #, so that it gets into no log.
function openPicker(editor) {
  const asked = new URLSearchParams({ host: 'tinymce', origin: location.origin });
  editor.windowManager.openUrl({
    title: 'Getty pictures',
    url: `${service}/picker?${asked}#${new URLSearchParams({ grant })}`,
    width: Math.min(1100, innerWidth - 40),
    height: Math.min(760, innerHeight - 40),
  });
}
