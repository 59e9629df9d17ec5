/** Style sheets are bundled into one file of their own. */
declare module "*.css";
