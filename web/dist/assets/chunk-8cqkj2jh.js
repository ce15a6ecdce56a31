import{y,Q}from"./chunk-12t8knvf.js";export{y as Stage,Q as openingSize};
