import{T,M}from"./chunk-e52r0d0z.js";export{T as Stage,M as openingSize};
