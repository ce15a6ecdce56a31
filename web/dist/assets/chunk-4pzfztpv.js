import{v,S}from"./chunk-2j8km5a2.js";export{v as Stage,S as openingSize};
