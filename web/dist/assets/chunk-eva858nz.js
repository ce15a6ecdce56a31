import{B,z}from"./chunk-vs3rc3dc.js";export{B as Stage,z as openingSize};
