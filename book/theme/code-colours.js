// Gives the identifiers in a code block the colours of their quantities. The block says which letters:
// ```rust,ignore,colours:fgo``` colours f, df, f_t, f_prev and the like as the formulas do.
(function () {
    'use strict';

    for (const code of document.querySelectorAll('pre code')) {
        const named = Array.from(code.classList).find(c => c.startsWith('colours:'));
        if (!named) {
            continue;
        }
        const letters = named.slice('colours:'.length);
        const pattern = new RegExp(`\\b(?:d_?)?([${letters}])(?:\\d|_(?:t|prev|next|bar))?\\b`, 'g');
        const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
        const texts = [];
        while (walker.nextNode()) {
            if (!walker.currentNode.parentElement.closest('.hljs-comment, .hljs-string')) {
                texts.push(walker.currentNode);
            }
        }
        texts.forEach(text => colour(text, pattern));
    }

    function colour(text, pattern) {
        const parts = document.createDocumentFragment();
        let end = 0;
        for (const match of text.data.matchAll(pattern)) {
            parts.append(text.data.slice(end, match.index));
            const span = document.createElement('span');
            span.className = `q-${match[1]}`;
            span.textContent = match[0];
            parts.append(span);
            end = match.index + match[0].length;
        }
        parts.append(text.data.slice(end));
        text.replaceWith(parts);
    }
})();
