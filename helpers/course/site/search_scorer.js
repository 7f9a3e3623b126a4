/* How Sphinx's search ranks what it finds: lessons and the glossary before the other pages, the reference last. */
var Scorer = {
  score: ([page, , , , score]) => {
    if (page === "notebooks/glossary") return score + 40;
    if (/^notebooks\/(\d|case_studies\/|rebuild\/)/.test(page)) return score + 30;
    if (/^(reference\/|tests\/|CHANGELOG)/.test(page)) return score - 30;
    return score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
