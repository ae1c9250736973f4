import owl from "../owl.svg";

export const Owl = ({ size }: { readonly size: number }) => <img src={owl} width={size} height={size} alt="" />;
